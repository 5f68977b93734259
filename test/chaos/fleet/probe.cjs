// Preloaded into an instance: tells over its IPC channel what its program holds, after a collection of what it does not.
const { EventEmitter } = require('node:events');
const { queryObjects } = require('node:v8');

/**
 * Whoever was ever listened to; those that are gone no longer count.
 * @type {Set<WeakRef<EventEmitter>>}
 */
const emitters = new Set();
const known = new WeakSet();
const { on } = EventEmitter.prototype;

/**
 * @this {EventEmitter}
 * @param {string | symbol} name
 * @param {(...values: any[]) => void} listener
 */
function remember(name, listener) {
  if (!known.has(this)) {
    known.add(this);
    emitters.add(new WeakRef(this));
  }
  return on.call(this, name, listener);
}
EventEmitter.prototype.on = remember;
EventEmitter.prototype.addListener = remember;

/**
 * Every timer that may still go off.
 * @type {Set<WeakRef<NodeJS.Timeout & { _destroyed?: boolean }>>}
 */
const timers = new Set();
globalThis.setTimeout = new Proxy(setTimeout, {
  apply(target, self, parameters) {
    const timer = Reflect.apply(target, self, parameters);
    timers.add(new WeakRef(timer));
    return timer;
  },
});

/** @returns {number} */
function countTimers() {
  for (const reference of timers) if (reference.deref()?._destroyed !== false) timers.delete(reference);
  return timers.size;
}

/** @returns {number} */
function countListeners() {
  let count = 0;
  for (const reference of emitters) {
    const emitter = reference.deref();
    if (emitter) for (const name of emitter.eventNames()) count += emitter.listenerCount(name);
    else emitters.delete(reference);
  }
  return count;
}

process.on('message', () => {
  // It looks only at what is left after a collection.
  queryObjects(EventEmitter);
  process.send?.({ timers: countTimers(), listeners: countListeners(), memory: process.memoryUsage.rss() });
});
process.channel?.unref();
