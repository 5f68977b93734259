import { setTimeout as delay } from 'node:timers/promises';
import type { StreamPiece } from '../protocol/model.ts';
import type { PanelEvent } from '../protocol/panel.ts';
import { isNext, joined } from '../protocol/pieces.ts';

/**
 * How long a window is left alone at least when it has taken pieces, in ms. Each time costs it a frame and a dozen tasks;
 * with this pause there are some 30 in a second, which the eye takes for growth.
 */
const SHORTEST_PAUSE = 25;

/** How long it is left alone at most, in ms: a text that stops now and then looks as if the model did. */
const LONGEST_PAUSE = 75;

/**
 * How long it is left alone for each ms that it takes longer for a piece than at its best. It does so as soon as all windows
 * together want more of the processors than there is: each then waits for the others, and all of them stutter. How far
 * away the window is does not count. Twice was the most even of 0, 1.5, 2 and 4 times, see `bench` streaming.
 */
const PAUSE_FACTOR = 2;

/** How many pieces the usual time goes back to, about: one alone that took long must not make a gap. */
const AVERAGED = 10;

/** Tells a panel something; resolves when the panel's window has taken it. */
export type Post = (event: PanelEvent) => PromiseLike<unknown>;

/** Time in ms. */
export interface FlowClock {
  now(): number;
  pause(duration: number): Promise<unknown>;
}

/**
 * Passes pieces of streams on to a panel with a pause after each time, which is longer when the window is busy: those that
 * come meanwhile go together with the next, so that a fast stream neither keeps a window busy nor queues up in front of a
 * slow one.
 */
export class PieceFlow {
  readonly #post: Post;
  readonly #clock: FlowClock;
  /** By message. */
  readonly #waiting = new Map<string, StreamPiece>();
  /** How long the window takes for a piece, in ms, of late and at its best. */
  #usual = 0;
  #quickest = Number.POSITIVE_INFINITY;
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
    while (this.#waiting.size > 0) {
      const pieces = [...this.#waiting.values()];
      this.#waiting.clear();
      for (const piece of pieces) await this.#pass(piece);
      const wanted = PAUSE_FACTOR * (this.#usual - this.#quickest);
      await this.#clock.pause(Math.min(Math.max(wanted, SHORTEST_PAUSE), LONGEST_PAUSE));
    }
    this.#isBusy = false;
  }

  async #pass(piece: StreamPiece): Promise<void> {
    const began = this.#clock.now();
    await this.#post({ type: 'stream', piece }).then(undefined, () => {
      // The panel has gone; the next one begins with the message's row.
    });
    // A page that was still loading, or a machine that slept, says nothing of how busy the window is.
    const took = Math.min(this.#clock.now() - began, LONGEST_PAUSE);
    this.#quickest = Math.min(took, this.#quickest);
    this.#usual += (took - this.#usual) / AVERAGED;
  }
}
