/** Timers of whatever this runs in. */
export interface Timers {
  /** Calls a function once, after so many ms; the result cancels that. */
  after(delay: number, action: () => void): () => void;
}

/** Resolves after so many ms, or when the signal aborts. */
export function wait(timers: Timers, delay: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = () => {
      cancel();
      signal.removeEventListener('abort', end);
      resolve();
    };
    const cancel = timers.after(delay, end);
    signal.addEventListener('abort', end);
  });
}
