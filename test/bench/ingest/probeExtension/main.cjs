// Appends to the file that LOOP_DELAY_FILE names, twice a second, how late the event loop of the extension host was.
const { appendFileSync, openSync, readSync } = require('node:fs');
const { createHistogram } = require('node:perf_hooks');

/** How often the loop is looked at, and how often it is told, in ms. */
const RESOLUTION = 1;
const INTERVAL = 500;

/** Kept open, and read into one buffer: what looks a thousand times a second must not be what the collector has to do. */
const schedstat = openSync('/proc/thread-self/schedstat', 'r');
const stat = openSync('/proc/stat', 'r');
const buffer = Buffer.alloc(200);

/**
 * For how long this thread was ready and had no processor, in ms.
 * Source: https://docs.kernel.org/scheduler/sched-stats.html
 */
function processorAwaited() {
  return field(schedstat, 1) / 1e6;
}

/** Processor time that the host of this machine gave to others, in ms; see `stolenTime` of the bench. */
function stolenTime() {
  return 10 * field(stat, 9);
}

/**
 * One of the numbers that a file begins with.
 * @param {number} file
 * @param {number} index
 */
function field(file, index) {
  const length = readSync(file, buffer, 0, buffer.length, 0);
  return Number.parseInt(buffer.toString('latin1', 0, length).split(' ')[index] ?? '', 10);
}

exports.activate = () => {
  // In µs: by the clock, and without the time in which others had the processors.
  const [late, blocked] = [createHistogram(), createHistogram()];
  let [lookedAt, awaited, stolen] = [performance.now(), processorAwaited(), stolenTime()];
  setInterval(() => {
    const [now, waits, taken] = [performance.now(), processorAwaited(), stolenTime()];
    const [gap, wait] = [now - lookedAt - RESOLUTION, waits - awaited];
    late.record(Math.max(1, Math.round(gap * 1000)));
    blocked.record(Math.max(1, Math.round((gap - wait - (taken - stolen)) * 1000)));
    [lookedAt, awaited, stolen] = [now, waits, taken];
  }, RESOLUTION);
  setInterval(() => {
    const figures = { p99: late.percentile(99) / 1e3, max: late.max / 1e3, blocked: blocked.max / 1e3 };
    late.reset();
    blocked.reset();
    appendFileSync(process.env['LOOP_DELAY_FILE'] ?? '', `${JSON.stringify({ at: Date.now(), ...figures })}\n`);
  }, INTERVAL);
};
