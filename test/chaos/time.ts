/** Milliseconds of a clock that never jumps and is the same in all processes of the system. */
export function monotonicTime(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
