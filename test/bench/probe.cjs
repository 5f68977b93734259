// Preloaded into a process that is measured: tells over its IPC channel what the process has used so far.
const { monitorEventLoopDelay } = require('node:perf_hooks');

/** How often the event loop is looked at, in ms; a timer as rare as this costs next to nothing. */
const RESOLUTION = 10;

/** @type {ReturnType<typeof monitorEventLoopDelay> | undefined} */
let loop;

process.on('message', (request) => {
  if (request === 'watch loop') {
    loop = monitorEventLoopDelay({ resolution: RESOLUTION });
    loop.enable();
  } else if (request === 'sample') {
    const { userCPUTime, systemCPUTime, voluntaryContextSwitches } = process.resourceUsage();
    /** @type {import('./processes.ts').Sample} */
    const sample = {
      cpu: (userCPUTime + systemCPUTime) / 1000,
      switches: voluntaryContextSwitches,
      rss: process.memoryUsage.rss(),
      loopDelay: loop ? Math.max(0, loop.percentile(99) / 1e6 - RESOLUTION) : null,
    };
    process.send?.(sample);
  }
});
