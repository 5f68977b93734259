/** Bounds a rate: `rate` per second, after a pause `burst` at once. */
export class TokenBucket {
  readonly #rate: number;
  readonly #burst: number;
  #left: number;
  #last: number;

  /** @param now ms of a monotonic clock */
  constructor(rate: number, burst: number, now: number) {
    this.#rate = rate;
    this.#burst = burst;
    this.#left = burst;
    this.#last = now;
  }

  /** Takes one; false when there is none. */
  take(now: number): boolean {
    this.#left = Math.min(this.#burst, this.#left + ((now - this.#last) * this.#rate) / 1000);
    this.#last = now;
    if (this.#left < 1) return false;
    this.#left--;
    return true;
  }
}
