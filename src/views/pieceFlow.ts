import { setTimeout as delay } from 'node:timers/promises';
import type { StreamPiece } from '../protocol/model.ts';
import type { PanelEvent } from '../protocol/panel.ts';
import { isNext, joined } from '../protocol/pieces.ts';

/**
 * How long a window is left alone when it has taken a piece, in ms. Each one costs it a frame and a dozen tasks; with this
 * pause there are some 30 in a second, which the eye takes for growth, and the next one is still seen within 50 ms.
 */
const PAUSE = 25;

/** Tells a panel something; resolves when the panel's window has taken it. */
export type Post = (event: PanelEvent) => PromiseLike<unknown>;

/**
 * Passes pieces of streams on to a panel, one at a time with a pause after each: those that come meanwhile go together
 * with the next, so that a fast stream neither keeps a window busy nor queues up in front of a slow one.
 */
export class PieceFlow {
  readonly #post: Post;
  readonly #pause: () => Promise<unknown>;
  /** By message. */
  readonly #waiting = new Map<string, StreamPiece>();
  #isBusy = false;

  constructor(post: Post, pause: () => Promise<unknown> = () => delay(PAUSE)) {
    this.#post = post;
    this.#pause = pause;
  }

  /** Takes a piece. One that leaves a hole replaces what waits: the message's row brings the rest. */
  add(piece: StreamPiece): void {
    const before = this.#waiting.get(piece.messageId);
    this.#waiting.set(piece.messageId, before && isNext(before, piece) ? joined(before, piece) : piece);
    if (!this.#isBusy) void this.#flow();
  }

  async #flow(): Promise<void> {
    this.#isBusy = true;
    for (const [messageId, piece] of this.#waiting) {
      this.#waiting.delete(messageId);
      await this.#post({ type: 'stream', piece }).then(undefined, () => {
        // The panel has gone; the next one begins with the message's row.
      });
      await this.#pause();
    }
    this.#isBusy = false;
  }
}
