/**
 * The items of an iterable, up to the moment when the signal is aborted, which throws its reason. The source is told
 * to end, but not waited for: it may not listen.
 */
export async function* untilAborted<T>(source: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason);
  // It may be aborted while nobody waits, between two items.
  aborted.catch(() => undefined);
  signal.addEventListener('abort', abort);
  const iterator = source[Symbol.asyncIterator]();
  try {
    signal.throwIfAborted();
    for (;;) {
      const next = await Promise.race([iterator.next(), aborted]);
      if (next.done) return;
      yield next.value;
    }
  } finally {
    signal.removeEventListener('abort', abort);
    // What fails at its end concerns nobody any more.
    iterator.return?.().catch(() => undefined);
  }
}
