import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { StreamPiece } from '../../../src/protocol/model.ts';
import { type FlowClock, PieceFlow } from '../../../src/views/pieceFlow.ts';
import { addPiece, type LiveText } from '../../../src/views/webview/liveText.ts';

const piece = (offset: number, text: string, messageId = 'm', runId = 'r'): StreamPiece => ({
  ...{ conversationId: 'c', messageId, runId, offset, text },
});

/** A panel that takes the next event when it is told to, and needs no pause unless one is given. */
function slowPanel(pause: FlowClock['pause'] = () => Promise.resolve()) {
  let now = 0;
  const taken: StreamPiece[] = [];
  let wake: { resolve(): void; reject(reason: Error): void } | undefined;
  const flow = new PieceFlow(
    (event) => {
      if (event.type === 'stream') taken.push(event.piece);
      const { promise, ...ends } = Promise.withResolvers<void>();
      wake = ends;
      return promise;
    },
    { now: () => now, pause },
  );
  const settle = async (end: (ends: NonNullable<typeof wake>) => void) => {
    const ends = wake;
    wake = undefined;
    if (ends) end(ends);
    await new Promise(setImmediate);
    return ends !== undefined;
  };
  return {
    ...{ flow, taken },
    take: (after = 0) => {
      now += after;
      return settle(({ resolve }) => resolve());
    },
    goAway: () => settle(({ reject }) => reject(new Error('Webview is disposed'))),
  };
}

describe('pieces on their way to a panel', () => {
  it('go at once when the panel has taken the last one and had its pause', async () => {
    const { flow, taken, take } = slowPanel();
    flow.add(piece(0, 'a'));
    assert.deepEqual(taken, [piece(0, 'a')]);
    await take();
    flow.add(piece(1, 'b'));
    assert.deepEqual(taken, [piece(0, 'a'), piece(1, 'b')]);
  });

  it('go together when they come in the pause after one that it has taken', async () => {
    const pause = Promise.withResolvers<void>();
    const { flow, taken, take } = slowPanel(() => pause.promise);
    flow.add(piece(0, 'a'));
    await take();
    flow.add(piece(1, 'b'));
    flow.add(piece(2, 'c'));
    assert.deepEqual(taken, [piece(0, 'a')]);
    pause.resolve();
    await new Promise(setImmediate);
    assert.deepEqual(taken, [piece(0, 'a'), piece(1, 'bc')]);
  });

  it('leave it alone longer when it has been slower of late than at its best', async () => {
    const pauses: number[] = [];
    const { flow, take } = slowPanel(async (duration) => pauses.push(duration));
    const pauseAfter = async (took: number, count: number) => {
      for (let index = 0; index < count; index++) {
        flow.add(piece(index, 'a'));
        await take(took);
      }
      return Math.round(pauses.at(-1) ?? Number.NaN);
    };
    assert.equal(await pauseAfter(3, 50), 25);
    assert.equal(await pauseAfter(3_600_000, 1), 25, 'one alone, and be it a night');
    assert.equal(await pauseAfter(3, 50), 25);
    assert.equal(await pauseAfter(33, 50), 60);
    assert.equal(await pauseAfter(2000, 50), 75);
  });

  it('do not leave it alone longer because it is far away', async () => {
    const pauses: number[] = [];
    const { flow, take } = slowPanel(async (duration) => pauses.push(duration));
    for (let index = 0; index < 50; index++) {
      flow.add(piece(index, 'a'));
      await take(60);
    }
    assert.equal(Math.max(...pauses), 25);
  });

  it('go together when it is busy', async () => {
    const { flow, taken, take } = slowPanel();
    for (const [offset, text] of ['a', 'b', 'c', 'd'].entries()) flow.add(piece(offset, text));
    flow.add(piece(0, 'other', 'n'));
    await take();
    await take();
    assert.deepEqual(taken, [piece(0, 'a'), piece(1, 'bcd'), piece(0, 'other', 'n')]);
  });

  it('do not go together over a hole, or from two runs', async () => {
    const { flow, taken, take } = slowPanel();
    flow.add(piece(0, 'a'));
    flow.add(piece(1, 'b'));
    flow.add(piece(5, 'f'));
    await take();
    flow.add(piece(6, 'g', 'm', 's'));
    flow.add(piece(7, 'h', 'm', 't'));
    await take();
    assert.deepEqual(taken, [piece(0, 'a'), piece(5, 'f'), piece(7, 'h', 'm', 't')]);
  });

  it('are not kept waiting by a panel that has gone', async () => {
    const { flow, taken, goAway } = slowPanel();
    flow.add(piece(0, 'a'));
    flow.add(piece(1, 'b'));
    await goAway();
    assert.deepEqual(taken, [piece(0, 'a'), piece(1, 'b')]);
  });

  it('make up the whole text, however slow the panel is', async () => {
    const steps = fc.array(fc.oneof(fc.string({ minLength: 1 }), fc.constant(null)));
    await fc.assert(
      fc.asyncProperty(steps, async (texts) => {
        const { flow, taken, take } = slowPanel();
        let whole = '';
        for (const text of texts) {
          if (text === null) await take();
          else flow.add(piece(whole.length, text));
          whole += text ?? '';
        }
        while (await take());
        const live = taken.reduce<LiveText | undefined>((known, one) => addPiece(known, '', one), undefined);
        assert.equal(live?.text ?? '', whole);
      }),
    );
  });
});
