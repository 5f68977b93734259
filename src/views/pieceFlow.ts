import { setTimeout as delay } from 'node:timers/promises';
import type { StreamPiece } from '../protocol/model.ts';
import type { PanelEvent } from '../protocol/panel.ts';
import { isNext, joined } from '../protocol/pieces.ts';

/**
 * How long a window is left alone at least when it has taken a piece, in ms. Each one costs it a frame and a dozen tasks;
 * with this pause there are some 30 in a second, which the eye takes for growth.
 */
const SHORTEST_PAUSE = 25;

/** How long it is left alone at most, in ms: a text that stops now and then looks as if the model did. */
const LONGEST_PAUSE = 75;

/**
 * How long it is left alone for each ms that it takes of late until it has taken a piece. That rises as soon as all windows
 * together want more of the processors than there is: each then waits for the others, and all of them stutter.
 */
const PAUSE_SHARE = 2;

/** How many pieces the usual time goes back to, about: one that took long must not make a gap. */
const USUAL_OF = 10;

/** Tells a panel something; resolves when the panel's window has taken it. */
export type Post = (event: PanelEvent) => PromiseLike<unknown>;

/** Time in ms. */
export interface FlowClock {
  now(): number;
  pause(duration: number): Promise<unknown>;
}

/**
 * Passes pieces of streams on to a panel, one at a time with a pause after each, which is the longer the busier the window
 * is: those that come meanwhile go together with the next, so that a fast stream neither keeps a window busy nor queues up
 * in front of a slow one.
 */
export class PieceFlow {
  readonly #post: Post;
  readonly #clock: FlowClock;
  /** By message. */
  readonly #waiting = new Map<string, StreamPiece>();
  /** How long the panel takes, in ms, of late. */
  #usual = 0;
  #isBusy = false;

  constructor(post: Post, clock: FlowClock = { now: () => performance.now(), pause: delay }) {
    this.#post = post;
    this.#clock = clock;
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
      const began = this.#clock.now();
      await this.#post({ type: 'stream', piece }).then(undefined, () => {
        // The panel has gone; the next one begins with the message's row.
      });
      this.#usual += (this.#clock.now() - began - this.#usual) / USUAL_OF;
      await this.#clock.pause(Math.min(Math.max(PAUSE_SHARE * this.#usual, SHORTEST_PAUSE), LONGEST_PAUSE));
    }
    this.#isBusy = false;
  }
}
