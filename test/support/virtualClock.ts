interface Timer {
  at: number;
  action: () => void;
}

/** Time that passes only when a test says so, in ms; between two timers everything that waits for promises goes on. */
export class VirtualClock {
  now = 0;
  readonly #timers = new Set<Timer>();

  after(delay: number, action: () => void): () => void {
    const timer = { at: this.now + delay, action };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Timers that have not fired and were not cancelled. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Lets time pass, timer by timer in their order. */
  async advance(ms: number): Promise<void> {
    const end = this.now + ms;
    for (let timer = await this.#next(end); timer; timer = await this.#next(end)) {
      this.#timers.delete(timer);
      this.now = timer.at;
      timer.action();
    }
    this.now = end;
  }

  async #next(end: number): Promise<Timer | undefined> {
    await new Promise((resolve) => setImmediate(resolve));
    let next: Timer | undefined;
    for (const timer of this.#timers)
      if (timer.at <= end && timer.at < (next?.at ?? Number.POSITIVE_INFINITY)) next = timer;
    return next;
  }
}
