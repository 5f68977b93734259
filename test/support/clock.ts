import type { Cancel, Clock } from '../../src/sync/clock.ts';

interface Timer {
  at: number;
  action(): void;
}

/** A clock that stands still until the test moves it; turns are those of the real event loop. */
export class VirtualClock implements Clock {
  #now = 0;
  #wallOffset = 0;
  readonly #timers = new Set<Timer>();

  now(): number {
    return this.#now;
  }

  wallTime(): number {
    return this.#now + this.#wallOffset;
  }

  after(delay: number, action: () => void): Cancel {
    const timer = { at: this.#now + delay, action };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  nextTurn(action: () => void): void {
    setImmediate(action);
  }

  /** Timers that have not fired and were not cancelled. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Lets so many ms pass, with all that is due in them, each at its time. */
  advance(ms: number): void {
    const end = this.#now + ms;
    while (this.#fireFirst(end));
    this.#now = Math.max(this.#now, end);
  }

  /** Lets so many ms pass as {@link advance} does; between two timers, all that waits for promises goes on. */
  async pass(ms: number): Promise<void> {
    const end = this.#now + ms;
    do await new Promise((resolve) => setImmediate(resolve));
    while (this.#fireFirst(end));
    this.#now = Math.max(this.#now, end);
  }

  /** Lets so many ms pass in which nothing happens, as when the machine sleeps. */
  sleep(ms: number): void {
    this.#now += ms;
  }

  /** Sets the wall clock forward or back by so many ms. */
  jump(ms: number): void {
    this.#wallOffset += ms;
  }

  /** Of timers that are due at the same time, the one that was set first is the first. */
  #fireFirst(end: number): boolean {
    let first: Timer | undefined;
    for (const timer of this.#timers) {
      if (first ? timer.at < first.at : timer.at <= end) first = timer;
    }
    if (!first) return false;
    this.#timers.delete(first);
    this.#now = Math.max(this.#now, first.at);
    first.action();
    return true;
  }
}
