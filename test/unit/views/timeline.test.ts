import assert from 'node:assert/strict';
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
    assert.deepEqual([timeline.widen(), timeline.ranges()], [[], []]);
    timeline.open(120);
    assert.deepEqual(timeline.ranges(), [{ from: 1, to: 70 }]);
    assert.deepEqual([timeline.widen(), timeline.ranges()], [[{ from: 21, to: 70 }], [{ from: 1, to: 20 }]]);
    assert.deepEqual([timeline.widen(), timeline.ranges()], [[{ from: 1, to: 20 }], []]);
    assert.deepEqual(timeline.widen(), []);
  });

  it('reaches back to where the reader was, unless that is far', () => {
    const [near, far] = [new Timeline(), new Timeline()];
    near.open(1000, 800);
    assert.equal(near.pages.value.from, 775);
    far.open(10_000, 800);
    assert.equal(far.pages.value.from, 9951);
  });

  it('forgets what is far behind when it is opened again', () => {
    const timeline = opened(60);
    timeline.open(90_000);
    assert.deepEqual([timeline.pages.value.rows, timeline.ranges()], [[], [{ from: 1, to: 89_950 }]]);
  });

  it('goes on showing what may be out of date, but does not count it as held', () => {
    const timeline = opened(60);
    const { rows } = timeline.pages.value;
    timeline.doubt([{ from: 20, to: 29 }]);
    assert.equal(timeline.pages.value.rows, rows);
    assert.deepEqual(timeline.ranges(), [
      { from: 1, to: 19 },
      { from: 30, to: 60 },
    ]);
    timeline.doubtAll();
    assert.deepEqual(timeline.ranges(), [{ from: 1, to: 10 }]);
    timeline.asking();
    timeline.take(rowsOf(11, 60));
    assert.deepEqual([timeline.pages.value.rows, timeline.ranges()], [rows, [{ from: 1, to: 60 }]]);
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
    assert.deepEqual([timeline.ranges(), timeline.pages.value], [[], { rows: [], from: 1, lastSeq: 2 }]);
  });
});
