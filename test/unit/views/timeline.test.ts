import assert from 'node:assert/strict';
import { DevChatError } from '../../../src/protocol/errors.ts';
import type { SeqRange } from '../../../src/sync/sequence.ts';
import { gaps } from '../../../src/views/webview/pages.ts';
import { Timeline } from '../../../src/views/webview/timeline.ts';
import { messageAt, settled } from './messages.ts';

function setUp(lastSeq: number) {
  const upstream = { lastSeq, cap: 500, holes: new Set<number>(), failure: null as Error | null, live: true };
  const asked: SeqRange[] = [];
  const timeline = new Timeline({
    fetch: async ({ from, to }) => {
      asked.push({ from, to });
      if (upstream.failure) throw upstream.failure;
      const seqs = Array.from({ length: Math.min(to, upstream.lastSeq) - from + 1 }, (_, index) => from + index);
      const held = seqs.filter((seq) => !upstream.holes.has(seq)).slice(0, upstream.cap);
      return { messages: held.map((seq) => messageAt(seq)), lastSeq: upstream.lastSeq };
    },
    isLive: () => upstream.live,
  });
  const take = () => asked.splice(0);
  return { upstream, timeline, take };
}

describe('timeline of the panel', () => {
  it('opens at the newest page and adds older ones only when asked', async () => {
    const { timeline, take } = setUp(120);
    timeline.open(120);
    await settled();
    assert.deepEqual(take(), [{ from: 71, to: 120 }]);
    timeline.loadOlder();
    timeline.loadOlder();
    await settled();
    assert.deepEqual(take(), [{ from: 21, to: 70 }]);
    timeline.loadOlder();
    await settled();
    timeline.loadOlder();
    await settled();
    assert.deepEqual(take(), [{ from: 1, to: 20 }]);
    assert.equal(timeline.pages.value.rows.length, 120);
  });

  it('fetches what an event shows to be missing, and nothing else', async () => {
    const { upstream, timeline, take } = setUp(60);
    timeline.open(60);
    await settled();
    take();
    upstream.lastSeq = 70;
    timeline.receive([messageAt(70), messageAt(63)], 70);
    await settled();
    assert.deepEqual(take(), [
      { from: 64, to: 69 },
      { from: 61, to: 62 },
    ]);
    assert.deepEqual(gaps(timeline.pages.value), []);
  });

  it('asks for the rest of a short answer', async () => {
    const { upstream, timeline, take } = setUp(50);
    upstream.cap = 20;
    timeline.open(50);
    await settled();
    assert.deepEqual(
      take().map(({ from }) => from),
      [1, 21, 41],
    );
    assert.equal(timeline.pages.value.rows.length, 50);
  });

  it('does not let a hole hold up the rest, nor asks for it in a loop', async () => {
    const { upstream, timeline, take } = setUp(120);
    upstream.live = false;
    upstream.holes = new Set([100, 101]);
    timeline.open(120);
    upstream.live = true;
    timeline.receive([], 120);
    await settled();
    assert.deepEqual(take().slice(1), [{ from: 100, to: 101 }]);
    timeline.loadOlder();
    await settled();
    assert.deepEqual(take(), [{ from: 21, to: 70 }]);
    assert.equal(timeline.fetching.value, false);
    upstream.live = false;
  });

  it('brings held messages up to date when opened again, and forgets them when they are far behind', async () => {
    const { upstream, timeline, take } = setUp(60);
    timeline.open(60);
    await settled();
    timeline.open(60);
    await settled();
    assert.deepEqual(take(), [
      { from: 11, to: 60 },
      { from: 11, to: 60 },
    ]);
    upstream.lastSeq = 90_000;
    timeline.open(90_000);
    await settled();
    assert.deepEqual(take(), [{ from: 89_951, to: 90_000 }]);
  });

  it('reaches back to where the reader was', async () => {
    const { timeline, take } = setUp(1000);
    timeline.open(1000, 800);
    await settled();
    assert.deepEqual(take(), [{ from: 775, to: 1000 }]);
  });

  it('gives up on a conversation that is gone', async () => {
    const { upstream, timeline, take } = setUp(10);
    upstream.failure = new DevChatError('deleted', 'gone');
    timeline.open(10);
    await settled();
    assert.equal(take().length, 1);
    assert.equal(timeline.fetching.value, false);
  });
});
