// Preloaded into an instance: its wall clock is off by the ms that the file CHAOS_CLOCK says, read anew at every SIGUSR2,
// and what waits for minutes waits for hundredths of seconds, so that the leader's chores come round within a case.
import { readFileSync } from 'node:fs';

const MINUTE = 60_000;
const HASTE = 6000;

const file = process.env['CHAOS_CLOCK'] ?? '';
let offset = 0;
process.on('SIGUSR2', () => {
  offset = Number(readFileSync(file, 'utf8'));
});

const RealDate = Date;
globalThis.Date = new Proxy(RealDate, {
  construct: (target, values: []) => new target(...((values.length > 0 ? values : [now()]) as [])),
  get: (target, key) => (key === 'now' ? now : Reflect.get(target, key)),
});

function now(): number {
  return RealDate.now() + offset;
}

const realSetTimeout = globalThis.setTimeout;
globalThis.setTimeout = new Proxy(realSetTimeout, {
  apply: (target, self, [callback, wait = 0, ...rest]: [() => void, number?, ...unknown[]]) =>
    Reflect.apply(target, self, [callback, wait < MINUTE ? wait : wait / HASTE, ...rest]),
});
