import { DevChatError, type Reason } from '../../protocol/errors.ts';
import type { LeaderMethod, PeerFrame } from '../../protocol/peer.ts';
import type { PeerLink } from './peerLink.ts';

type Answer = Extract<PeerFrame, { type: 'answer' }>;

interface Waiting {
  link: PeerLink;
  resolve(result: unknown): void;
  reject(error: DevChatError): void;
}

/** The requests to peers that wait for an answer. */
export class PeerRequests {
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 1;

  /**
   * Asks a peer for something, which may take as long as its link lasts.
   * @throws {DevChatError} what the peer answered; `not-leader` when its link has ended
   */
  ask(link: PeerLink, method: LeaderMethod, params: unknown): Promise<unknown> {
    const id = this.#nextId++;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#waiting.set(id, { link, resolve, reject });
    link.send({ type: 'request', id, method, params });
    return promise;
  }

  /** Takes a peer's answer; only to what it was asked itself. */
  settle(link: PeerLink, { id, result, error }: Answer): void {
    const waiting = this.#waiting.get(id);
    if (waiting?.link !== link) return;
    this.#waiting.delete(id);
    if (error) waiting.reject(new DevChatError(error.reason as Reason, error.message));
    else waiting.resolve(result);
  }

  /** Gives up on what was asked over a link that has ended. */
  drop(link: PeerLink): void {
    for (const [id, waiting] of this.#waiting) {
      if (waiting.link !== link) continue;
      this.#waiting.delete(id);
      waiting.reject(leaderIsGone());
    }
  }
}

/** Says that nobody can be asked at present. */
export function leaderIsGone(): DevChatError {
  return new DevChatError('not-leader', 'The window that does this for all others has gone, or cannot be reached.');
}
