/** Waiting time before each restart in a row, in ms; the last one repeats. */
const DELAYS = [0, 250, 500, 1000, 2000];

/** This many crashes within {@link WINDOW} end the attempts. */
const MAX_CRASHES = 5;
const WINDOW = 3 * 60_000;

/**
 * How long to wait before the next restart, given the times of all crashes so far, the newest last.
 * @param crashes in ms of one monotonic clock
 * @returns ms to wait; undefined when the process crashes too often to go on
 */
export function restartDelay(crashes: readonly number[]): number | undefined {
  const newest = crashes.at(-1) ?? 0;
  const recent = crashes.filter((time) => newest - time <= WINDOW).length;
  if (recent >= MAX_CRASHES) return undefined;
  return DELAYS[Math.max(0, recent - 1)] ?? DELAYS.at(-1);
}
