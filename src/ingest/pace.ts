import { type Clock, turn } from '../sync/clock.ts';

/**
 * How long a transaction should take, in ms: nobody else writes meanwhile, and this process does nothing else. Short ones
 * take longer in all, so that there are none where nobody waits for them.
 */
const HOLD = { alone: 25, amongWriters: 10 };

/** Bounds of how much a transaction should store, in usual records. */
const LEAST = 100;
const MOST = 1000;

/** What a usual record is expected to take before anything was learned, in ms. */
const EXPECTED = 0.1;

/** How much of what the newest transaction teaches is taken over. */
const SHARE = 0.3;

/** Makes transactions as large as their time allows, and leaves time to others between them. */
export class Pace {
  readonly #clock: Clock;
  /** What a usual record takes, in ms. */
  #cost = EXPECTED;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How much a batch should weigh; to hold a whole message it may weigh up to twice as much. */
  batchSize(isAmongWriters: boolean): number {
    const wanted = (isAmongWriters ? HOLD.amongWriters : HOLD.alone) / this.#cost;
    return Math.round(Math.min(MOST, Math.max(LEAST, wanted)));
  }

  /**
   * Takes in what a transaction took, unless it was too small to tell.
   * @param weight of the batch that it stored
   * @param held for how long nobody else could write, in ms
   */
  learn(weight: number, held: number): void {
    if (weight < LEAST) return;
    this.#cost += SHARE * (held / weight - this.#cost);
  }

  /**
   * Waits until this process has served its clients, and among siblings as long as nobody else could write: who waits
   * for a lock looks for it now and then, so half the time has to be theirs.
   */
  async rest(held: number, hasSiblings: boolean): Promise<void> {
    if (hasSiblings) return new Promise((resolve) => void this.#clock.after(held, resolve));
    // In one turn a request is taken up, and in the next one it is answered.
    await turn(this.#clock);
    await turn(this.#clock);
  }
}
