import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { DevChatError, type Reason } from '../../../src/protocol/errors.ts';
import { MAX_PIECE_LENGTH, type Message, type StreamPiece } from '../../../src/protocol/model.ts';
import { OutgoingStreams } from '../../../src/sync/outgoingStreams.ts';
import { VirtualClock } from '../../support/clock.ts';
import { hasReason } from '../../support/database.ts';

const CHECKPOINT = 400;
const GATHERING = 12;
const id = 'message';

/** Streams on a clock of the test, and one row in memory. */
class TestStreams {
  readonly clock = new VirtualClock();
  readonly pieces: StreamPiece[] = [];
  /** What was stored, in order. */
  readonly stored: string[] = [];
  /** Why the store refuses to write. */
  refusal: Reason | undefined;
  /** What the store waits for before it writes. */
  disk: Promise<void> = Promise.resolve();
  readonly streams = new OutgoingStreams({
    store: {
      begin: () => this.#write('', 'streaming'),
      checkpoint: (_, content) => this.#write(content, 'streaming'),
      end: ({ content, status }) => this.#write(content, status),
    },
    platform: { clock: this.clock, randomBytes },
    stored: () => undefined,
    send: (piece) => this.pieces.push(piece),
    log: () => undefined,
  });

  async start(): Promise<OutgoingStreams> {
    await this.streams.start({ conversationId: 'c', id });
    this.stored.length = 0;
    return this.streams;
  }

  /** What was sent, each piece with its place. */
  places(): [offset: number, text: string][] {
    return this.pieces.map(({ offset, text }) => [offset, text]);
  }

  async #write(content: string, status: Message['status']): Promise<Message> {
    await this.disk;
    if (this.refusal) throw new DevChatError(this.refusal, 'refused');
    this.stored.push(`${content} ${status}`);
    return {
      ...{ id, conversationId: 'c', seq: 1, role: 'assistant', author: null, content, parts: null, status },
      ...{ model: null, revision: 1, createdAt: 0, updatedAt: 0, deletedAt: null },
    };
  }
}

describe('outgoing streams', () => {
  it('store what was added a moment later, however much it is', async () => {
    const test = new TestStreams();
    const streams = await test.start();
    streams.append(id, 'a');
    streams.append(id, 'b');
    await test.clock.pass(CHECKPOINT);
    streams.append(id, 'c');
    await test.clock.pass(CHECKPOINT);
    assert.deepEqual(test.stored, ['ab streaming', 'abc streaming']);
    assert.equal(test.clock.pending, 0);
  });

  it('go on after an end that could not be stored: the text is, and what is added then', async () => {
    const test = new TestStreams();
    const streams = await test.start();
    streams.append(id, 'a');
    test.refusal = 'busy';
    await assert.rejects(streams.finish(id, 'complete'), hasReason('busy'));
    test.refusal = undefined;
    await test.clock.pass(CHECKPOINT);
    streams.append(id, 'b');
    await test.clock.pass(CHECKPOINT);
    await streams.finish(id, 'complete');
    assert.deepEqual(test.stored, ['a streaming', 'ab streaming', 'ab complete']);
    assert.equal(test.clock.pending, 0);
  });

  it('take nothing more from the moment of their end, and are not opened again by a checkpoint', async () => {
    const test = new TestStreams();
    const streams = await test.start();
    streams.append(id, 'a');
    const { promise, resolve } = Promise.withResolvers<void>();
    test.disk = promise;
    const finished = streams.finish(id, 'complete');
    assert.throws(() => streams.append(id, 'b'), hasReason('not-found'));
    await test.clock.pass(CHECKPOINT);
    resolve();
    assert.equal((await finished).content, 'a');
    await test.clock.pass(CHECKPOINT);
    assert.deepEqual(test.stored, ['a complete']);
  });

  it('are over when their message was deleted', async () => {
    const test = new TestStreams();
    const streams = await test.start();
    streams.append(id, 'a');
    test.refusal = 'deleted';
    await test.clock.pass(CHECKPOINT);
    assert.throws(() => streams.append(id, 'b'), hasReason('deleted'));
    await assert.rejects(streams.finish(id, 'complete'), hasReason('deleted'));
    assert.throws(() => streams.append(id, 'b'), hasReason('not-found'));
    assert.equal(test.clock.pending, 0);
  });

  it('leave no timer behind when their ends cannot be stored on leaving', async () => {
    const test = new TestStreams();
    const streams = await test.start();
    streams.append(id, 'a');
    test.refusal = 'disk-full';
    await streams.close();
    assert.deepEqual([test.stored, test.clock.pending], [[], 0]);
  });

  it('send the first piece at once, and together what follows within a frame of the screen', async () => {
    const test = new TestStreams();
    const streams = await test.start();
    for (const text of ['Grüße ', '😀', '', '!']) streams.append(id, text);
    assert.deepEqual(test.places(), [[0, 'Grüße ']]);
    await test.clock.pass(GATHERING);
    assert.deepEqual(test.places(), [
      [0, 'Grüße '],
      [6, '😀!'],
    ]);
    await test.clock.pass(GATHERING);
    streams.append(id, '?');
    assert.deepEqual(test.places().at(-1), [9, '?']);
  });

  it('send what still gathers before they store it, while nothing else is done', async () => {
    const test = new TestStreams();
    const streams = await test.start();
    streams.append(id, 'a');
    await test.clock.pass(CHECKPOINT - 1);
    streams.append(id, 'b');
    streams.append(id, 'c');
    assert.deepEqual(test.places(), [
      [0, 'a'],
      [1, 'b'],
    ]);
    test.disk = new Promise(() => undefined);
    await test.clock.pass(1);
    assert.deepEqual([test.places().at(-1), test.stored], [[2, 'c'], []]);
  });

  it('send what still gathers before they end, also when the end cannot be stored', async () => {
    const test = new TestStreams();
    const streams = await test.start();
    for (const text of ['a', 'b']) streams.append(id, text);
    test.refusal = 'busy';
    await assert.rejects(streams.finish(id, 'complete'), hasReason('busy'));
    streams.append(id, 'c');
    test.refusal = undefined;
    await streams.finish(id, 'complete');
    await test.clock.pass(GATHERING);
    assert.deepEqual(test.places(), [
      [0, 'a'],
      [1, 'b'],
      [2, 'c'],
    ]);
  });

  it('leave nothing behind of a stream that is begun anew', async () => {
    const test = new TestStreams();
    const streams = await test.start();
    for (const text of ['old', 'older']) streams.append(id, text);
    await test.start();
    await test.clock.pass(CHECKPOINT);
    assert.deepEqual([test.places(), test.stored, test.clock.pending], [[[0, 'old']], [], 0]);
  });

  it('send the whole text in pieces that follow one another, none longer than a piece may be', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ length: fc.nat(MAX_PIECE_LENGTH), pause: fc.nat(2 * GATHERING) }), { maxLength: 12 }),
        async (appends) => {
          const test = new TestStreams();
          const streams = await test.start();
          for (const [index, { length, pause }] of appends.entries()) {
            streams.append(id, String(index % 10).repeat(length));
            await test.clock.pass(pause);
          }
          const { content } = await streams.finish(id, 'complete');
          let shown = '';
          for (const { offset, text } of test.pieces) {
            assert.equal(offset, shown.length);
            assert.ok(text.length <= MAX_PIECE_LENGTH);
            shown += text;
          }
          assert.ok(shown === content);
        },
      ),
    ));
});
