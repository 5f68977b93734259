import assert from 'node:assert/strict';
import type { Message } from '../../../src/protocol/model.ts';
import type { SeqRange } from '../../../src/sync/sequence.ts';
import { GrowingRows } from '../../../src/views/webview/growingRows.ts';
import { VirtualClock } from '../../support/clock.ts';
import { messageAt } from './messages.ts';

const { conversationId } = messageAt(1);

/** The second and the third of three messages are being written. */
function setUp() {
  const clock = new VirtualClock();
  const rows: Message[] = [1, 2, 3].map((seq) => messageAt(seq, { status: seq === 1 ? 'complete' : 'streaming' }));
  const due: SeqRange[] = [];
  const growing = new GrowingRows({
    rows: (id) => (id === conversationId ? rows : []),
    due: (_, numbers) => due.push(...numbers),
    timers: clock,
  });
  const grow = (seq: number, isWhole = true) => growing.grows(messageAt(seq).id, isWhole);
  const putOff = (from: number, to: number) => growing.putOff(conversationId, [{ from, to }]);
  /** So many pieces of the second message, 50 ms apart; its row changes with every eighth. */
  const growFor = async (pieces: number) => {
    for (let piece = 0; piece < pieces; piece++) {
      grow(2);
      if (piece % 8 === 0) assert.deepEqual(putOff(2, 2), []);
      await clock.pass(50);
    }
  };
  return { clock, due, grow, growFor, putOff };
}

describe('rows of messages that grow', () => {
  it('wait while their pieces come, and are asked for once, soon after the last', async () => {
    const { clock, due, growFor } = setUp();
    await growFor(30);
    assert.deepEqual(due, []);
    await clock.pass(50);
    assert.deepEqual(due, [{ from: 2, to: 2 }]);
    await clock.pass(60_000);
    assert.equal(due.length, 1);
  });

  it('are asked for every two seconds at the latest', async () => {
    const { due, growFor } = setUp();
    await growFor(100);
    assert.equal(due.length, 2);
  });

  it('do not wait where no pieces come, nor do those that are complete', () => {
    const { grow, putOff } = setUp();
    grow(1);
    grow(2);
    assert.deepEqual(putOff(1, 4), [
      { from: 1, to: 1 },
      { from: 3, to: 4 },
    ]);
  });

  it('are asked for when a piece is missing', () => {
    const { due, grow, putOff } = setUp();
    grow(2);
    assert.deepEqual(putOff(2, 2), []);
    grow(2, false);
    assert.deepEqual(due, [{ from: 2, to: 2 }]);
    assert.deepEqual(putOff(2, 2), [{ from: 2, to: 2 }]);
  });

  it('wait each for itself', async () => {
    const { clock, due, grow, putOff } = setUp();
    grow(2);
    grow(3);
    assert.deepEqual(putOff(2, 3), []);
    await clock.pass(75);
    grow(2);
    await clock.pass(50);
    assert.deepEqual(due, [{ from: 3, to: 3 }]);
    await clock.pass(50);
    assert.deepEqual(due, [
      { from: 3, to: 3 },
      { from: 2, to: 2 },
    ]);
  });
});
