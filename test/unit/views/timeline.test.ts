import assert from 'node:assert/strict';
import fc from 'fast-check';
import { countSeqs, mergeRanges, type SeqRange, subtractRanges } from '../../../src/sync/sequence.ts';
import { emptyPages, reachesEnd, wanted } from '../../../src/views/webview/pages.ts';
import { Timeline } from '../../../src/views/webview/timeline.ts';
import { messageAt } from './messages.ts';

const rowsOf = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => messageAt(from + index));

/** A timeline that holds every message that it wants. */
function opened(lastSeq: number): Timeline {
  const timeline = new Timeline();
  timeline.open(lastSeq);
  timeline.take(rowsOf(timeline.pages.value.from, lastSeq));
  return timeline;
}

describe('timeline of the panel', () => {
  it('wants the newest page, and one more with each step back', () => {
    const timeline = new Timeline();
    assert.deepEqual([timeline.older(), timeline.newer(), timeline.ranges()], [[], [], []]);
    timeline.open(50);
    assert.deepEqual(timeline.ranges(), [{ from: 1, to: 30 }]);
    assert.deepEqual([timeline.older(), timeline.ranges()], [[{ from: 11, to: 30 }], [{ from: 1, to: 10 }]]);
    assert.deepEqual([timeline.older(), timeline.ranges()], [[{ from: 1, to: 10 }], []]);
    assert.deepEqual([timeline.older(), timeline.newer()], [[], []]);
  });

  it('reaches to where the reader was, however far that is', () => {
    const timeline = new Timeline();
    timeline.open(100_000, 800);
    assert.deepEqual(wanted(timeline.pages.value), [{ from: 790, to: 820 }]);
    assert.deepEqual(timeline.ranges(), [
      { from: 1, to: 789 },
      { from: 821, to: 100_000 },
    ]);
    timeline.open(100_000, 99_995);
    assert.deepEqual(wanted(timeline.pages.value), [{ from: 99_981, to: 100_000 }]);
  });

  it('moves with its reader through the whole conversation, and never holds more than 300 messages', () => {
    const timeline = opened(1000);
    const fill = () => {
      const [{ from, to } = { from: 1, to: 0 }] = wanted(timeline.pages.value);
      timeline.take(rowsOf(from, to));
      assert.equal(timeline.pages.value.rows.length, to - from + 1);
      assert.ok(to - from < 300, `${from}–${to}`);
      return [from, to];
    };
    const move = (step: 'older' | 'newer') => {
      const ends: number[][] = [];
      while (timeline[step]().length > 0) ends.push(fill());
      return ends.at(-1);
    };
    assert.deepEqual(move('older'), [1, 300]);
    assert.equal(reachesEnd(timeline.pages.value), false);
    assert.deepEqual(move('newer'), [701, 1000]);
    assert.equal(reachesEnd(timeline.pages.value), true);
    timeline.around(500);
    assert.deepEqual(fill(), [490, 520]);
    assert.deepEqual([timeline.around(495), timeline.around(520)], [[], []]);
  });

  it('goes past a stretch of deleted messages instead of standing in it', () => {
    const timeline = opened(1000);
    while (timeline.older().length > 0) {
      const [{ from, to } = { from: 1, to: 0 }] = wanted(timeline.pages.value);
      timeline.take(rowsOf(from, to).map((row) => (row.seq > 200 && row.seq < 950 ? { ...row, deletedAt: 1 } : row)));
    }
    assert.deepEqual(wanted(timeline.pages.value), [{ from: 1, to: 1000 }]);
  });

  it('drops what arrives where nobody reads, and at the end only what is far from the reader', () => {
    const grow = (reading: number | null) => {
      const timeline = opened(60);
      for (let seq = 61; seq <= 700; seq++) {
        timeline.take([messageAt(seq)]);
        timeline.shrink(reading);
      }
      assert.ok(timeline.pages.value.rows.length <= 500);
      return wanted(timeline.pages.value)[0];
    };
    assert.equal(grow(null)?.to, 700);
    const burst = opened(60);
    burst.take(rowsOf(61, 400));
    assert.deepEqual([burst.newer(), burst.pages.value.rows.length], [[], 360]);
    assert.deepEqual(grow(50), { from: 41, to: 200 });
    const timeline = opened(1000);
    timeline.around(10);
    timeline.take([messageAt(1001)]);
    assert.deepEqual([timeline.pages.value.rows.length, timeline.pages.value.lastSeq], [0, 1001]);
  });

  it('forgets what is far behind when it is opened again', () => {
    const timeline = opened(60);
    timeline.open(90_000);
    assert.deepEqual([timeline.pages.value.rows, timeline.ranges()], [[], [{ from: 1, to: 89_980 }]]);
  });

  it('goes on showing what may be out of date, but does not count it as held', () => {
    const timeline = opened(30);
    const { rows } = timeline.pages.value;
    timeline.doubt([{ from: 20, to: 29 }]);
    assert.equal(timeline.pages.value.rows, rows);
    assert.deepEqual(timeline.ranges(), [
      { from: 1, to: 19 },
      { from: 30, to: 30 },
    ]);
    timeline.doubtAll();
    assert.deepEqual(timeline.ranges(), [{ from: 1, to: 10 }]);
    timeline.asking();
    timeline.take(rowsOf(11, 30));
    assert.deepEqual([timeline.pages.value.rows, timeline.ranges()], [rows, [{ from: 1, to: 30 }]]);
  });

  it('does not take an answer for the truth about what changed after the question', () => {
    const timeline = opened(3);
    timeline.doubt([{ from: 1, to: 3 }]);
    timeline.asking();
    timeline.doubt([{ from: 2, to: 2 }]);
    timeline.take(rowsOf(1, 3));
    assert.deepEqual(timeline.ranges(), [
      { from: 1, to: 1 },
      { from: 3, to: 3 },
    ]);
    timeline.asking();
    timeline.take([messageAt(2, { revision: 2 })]);
    assert.deepEqual(timeline.ranges(), [{ from: 1, to: 3 }]);
  });

  it('names a number that two messages claim, unless the one that it holds is in doubt', () => {
    const timeline = opened(3);
    const other = messageAt(2, { id: 'other' });
    assert.deepEqual([timeline.take([other]), timeline.pages.value.rows], [2, rowsOf(1, 3)]);
    timeline.doubtAll();
    timeline.asking();
    assert.equal(timeline.take([messageAt(1), other, messageAt(3)]), undefined);
    assert.deepEqual(timeline.pages.value.rows, [messageAt(1), other, messageAt(3)]);
  });

  it('still counts a message that the database does not know any more, so that it is noticed', () => {
    const timeline = opened(3);
    timeline.doubtAll();
    timeline.open(2);
    assert.deepEqual(timeline.ranges(), [{ from: 3, to: 3 }]);
    timeline.startOver(2);
    assert.deepEqual([timeline.ranges(), timeline.pages.value], [[], { ...emptyPages, from: 1, lastSeq: 2 }]);
  });

  it('holds no more than the reader can go through, and wants each number once, wherever the reader goes', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constantFrom('older', 'newer', 'fetch'), value: fc.constant(0) }),
      fc.record({ kind: fc.constantFrom('around', 'shrink'), value: fc.integer({ min: 1, max: 2000 }) }),
      fc.record({ kind: fc.constant('arrive'), value: fc.integer({ min: 1, max: 300 }) }),
    );
    fc.assert(
      fc.property(fc.nat({ max: 2000 }), fc.array(step, { maxLength: 25 }), (count, steps) => {
        const timeline = new Timeline();
        timeline.open(count);
        for (const { kind, value } of steps) {
          const before = wanted(timeline.pages.value);
          const { lastSeq } = timeline.pages.value;
          let more: SeqRange[] = [];
          if (kind === 'older') more = timeline.older();
          else if (kind === 'newer') more = timeline.newer();
          else if (kind === 'around') more = timeline.around(Math.min(value, lastSeq));
          else if (kind === 'shrink') timeline.shrink(Math.min(value, lastSeq));
          else if (kind === 'fetch')
            timeline.take(wanted(timeline.pages.value).flatMap(({ from, to }) => rowsOf(from, to)));
          else timeline.take(rowsOf(lastSeq + 1, lastSeq + value));
          const now = wanted(timeline.pages.value);
          if (kind !== 'arrive') {
            assert.deepEqual(mergeRanges(subtractRanges(now, more), more), now);
            assert.deepEqual(subtractRanges(more, before), more);
          }
          if (kind === 'older' || kind === 'newer') assert.ok(more.length === 0 || countSeqs(now) <= 300);
          if (kind === 'shrink') assert.ok(countSeqs(now) <= 500);
          if (kind === 'around' && lastSeq > 0)
            assert.deepEqual(
              subtractRanges([{ from: Math.min(value, lastSeq), to: Math.min(value, lastSeq) }], now),
              [],
            );
          assert.deepEqual(timeline.ranges(), mergeRanges(timeline.ranges(), []));
        }
      }),
    );
  });
});
