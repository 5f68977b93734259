/** Ends a timer; harmless when there is nothing to end any more. */
export type Cancel = () => void;

/** The time, and what happens later. */
export interface Clock {
  /** Milliseconds of a clock that never jumps. */
  now(): number;
  /** Unix time in ms, which may jump. */
  wallTime(): number;
  /** Calls a function once, after so many ms. */
  after(delay: number, action: () => void): Cancel;
  /** Calls a function once, after all who are waiting now were served. */
  nextTurn(action: () => void): void;
}

/** The clock of the machine and the turns of its event loop. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wallTime: () => Date.now(),
  after: (delay, action) => {
    const timer = setTimeout(action, delay);
    return () => clearTimeout(timer);
  },
  // One turn ends with its immediates, also if it has only looked before for who is waiting: the second one comes after
  // another look.
  nextTurn: (action) => void setImmediate(() => setImmediate(action)),
};

/** Resolves after all who are waiting now were served. */
export function turn(clock: Pick<Clock, 'nextTurn'>): Promise<void> {
  return new Promise((resolve) => clock.nextTurn(resolve));
}

/** Calls a function again and again, the first time after one interval in ms. */
export function every(clock: Clock, interval: number, action: () => void): Cancel {
  const tick = () => {
    cancel = clock.after(interval, tick);
    action();
  };
  let cancel = clock.after(interval, tick);
  return () => cancel();
}
