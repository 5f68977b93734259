import type { Cancel, Clock } from '../../src/sync/clock.ts';

interface Timer {
  at: number;
  action(): void;
}

/** A clock that stands still until the test moves it; turns are those of the real event loop. */
export class ManualClock implements Clock {
  #now = 0;
  readonly #timers = new Set<Timer>();

  now(): number {
    return this.#now;
  }

  wallTime(): number {
    return this.#now;
  }

  after(delay: number, action: () => void): Cancel {
    const timer = { at: this.#now + delay, action };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  nextTurn(action: () => void): void {
    setImmediate(action);
  }

  /** Lets so many ms pass, with all that is due in them, each at its time. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (let next = this.#firstBefore(end); next; next = this.#firstBefore(end)) {
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.action();
    }
    this.#now = end;
  }

  /** Lets so many ms pass in which nothing happens, as when the machine sleeps. */
  sleep(ms: number): void {
    this.#now += ms;
  }

  #firstBefore(end: number): Timer | undefined {
    const [first] = [...this.#timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
    return first;
  }
}
