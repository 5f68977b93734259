import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { untilAborted } from '../../../src/models/untilAborted.ts';

describe('items until a signal is aborted', () => {
  const stopped = new Error('stopped');

  it('are all that there are, when it is not aborted', async () => {
    const items = (async function* () {
      yield* [1, 2, 3];
    })();
    assert.deepEqual(await all(untilAborted(items, new AbortController().signal)), [1, 2, 3]);
  });

  it('end at once, though the source never goes on nor ends', async () => {
    const abort = new AbortController();
    const deaf = (async function* () {
      yield 1;
      await new Promise(() => undefined);
    })();
    const seen: number[] = [];
    await assert.rejects(async () => {
      for await (const item of untilAborted(deaf, abort.signal)) {
        seen.push(item);
        setImmediate(() => abort.abort(stopped));
      }
    }, stopped);
    assert.deepEqual(seen, [1]);
  });

  it('are none when it was aborted before', async () => {
    let isBegun = false;
    const source = (async function* () {
      isBegun = true;
      yield 1;
    })();
    await assert.rejects(untilAborted(source, AbortSignal.abort(stopped)).next(), stopped);
    assert.equal(isBegun, false);
  });

  it('fail with the source, and tell it to end when nobody wants more', async () => {
    const never = new AbortController().signal;
    const failing = (async function* () {
      yield 1;
      throw new Error('broken');
    })();
    await assert.rejects(all(untilAborted(failing, never)), /broken/);
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    const endless = (async function* () {
      try {
        for (;;) yield 1;
      } finally {
        resolve();
      }
    })();
    for await (const _ of untilAborted(endless, never)) break;
    await ended;
  });
});

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const seen: T[] = [];
  for await (const item of items) seen.push(item);
  return seen;
}
