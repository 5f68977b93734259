import type { StreamPiece } from '../protocol/model.ts';
import type { Head } from './changes.ts';
import type { Limits } from './limits.ts';
import type { EndReason, Session } from './session.ts';
import type { Identity } from './tokens.ts';

/** The live sessions of this process. */
export class Sessions {
  readonly #limits: Limits;
  readonly #byWorkspace = new Map<string, Set<Session>>();

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  get all(): Session[] {
    return [...this.#byWorkspace.values()].flatMap((sessions) => [...sessions]);
  }

  /** Of each workspace that has a session here, one member. */
  get members(): Identity[] {
    return [...this.#byWorkspace.values()].flatMap(([session]) => session?.identity ?? []);
  }

  /** Whether one more session of this user is within the limits. */
  hasRoom({ tokenId, workspaceId }: Identity): boolean {
    const { sessions, sessionsPerToken, sessionsPerWorkspace } = this.#limits;
    const neighbours = [...(this.#byWorkspace.get(workspaceId) ?? [])];
    const own = neighbours.filter(({ identity }) => identity.tokenId === tokenId);
    return this.all.length < sessions && neighbours.length < sessionsPerWorkspace && own.length < sessionsPerToken;
  }

  add(session: Session): void {
    const { workspaceId } = session.identity;
    const sessions = this.#byWorkspace.get(workspaceId) ?? new Set();
    this.#byWorkspace.set(workspaceId, sessions.add(session));
    void session.closed.then(() => {
      sessions.delete(session);
      if (sessions.size === 0) this.#byWorkspace.delete(workspaceId);
    });
  }

  /** Hints to all sessions of a workspace that there is something to pull. */
  hint(workspaceId: string, latestSequence: number): void {
    for (const session of this.#byWorkspace.get(workspaceId) ?? []) session.hint(latestSequence);
  }

  /** Tells all sessions of a workspace how things are, after hints may have been lost. */
  catchUp(workspaceId: string, head: Head): void {
    for (const session of this.#byWorkspace.get(workspaceId) ?? []) session.catchUp(head);
  }

  /** Passes a piece of a stream on to the other sessions of the workspace that keep up. */
  relay(from: Session, piece: StreamPiece): void {
    for (const session of this.#byWorkspace.get(from.identity.workspaceId) ?? []) {
      if (session !== from) session.stream(piece);
    }
  }

  /** Ends the sessions of tokens that were revoked. */
  endTokens(tokenIds: readonly string[]): void {
    const ended = this.all.filter(({ identity }) => tokenIds.includes(identity.tokenId));
    for (const session of ended) session.end('token_revoked', 'The token was revoked.');
  }

  /** Ends all sessions, each after what it is doing. */
  async endAll(code: EndReason, message: string): Promise<void> {
    const { all } = this;
    for (const session of all) session.end(code, message);
    await Promise.all(all.map(({ closed }) => closed));
  }
}
