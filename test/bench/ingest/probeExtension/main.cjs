// Appends to the file that LOOP_DELAY_FILE names, twice a second, how late the event loop of the extension host was.
const { appendFileSync } = require('node:fs');
const { monitorEventLoopDelay } = require('node:perf_hooks');

/** How often the loop is looked at, and how often it is told, in ms. */
const RESOLUTION = 1;
const INTERVAL = 500;

exports.activate = () => {
  const loop = monitorEventLoopDelay({ resolution: RESOLUTION });
  loop.enable();
  setInterval(() => {
    const late = (/** @type {number} */ ns) => Math.max(0, ns / 1e6 - RESOLUTION);
    const told = { at: Date.now(), p99: late(loop.percentile(99)), max: late(loop.max) };
    loop.reset();
    appendFileSync(process.env['LOOP_DELAY_FILE'] ?? '', `${JSON.stringify(told)}\n`);
  }, INTERVAL);
};
