import assert from 'node:assert/strict';
import { DevChatError } from '../../../src/protocol/errors.ts';
import type { Message } from '../../../src/protocol/model.ts';
import type { PanelParams, PanelView } from '../../../src/protocol/panel.ts';
import { gaps } from '../../../src/views/webview/pages.ts';
import { Timelines } from '../../../src/views/webview/timelines.ts';
import { VirtualClock } from '../../support/clock.ts';
import { messageAt } from './messages.ts';

const id = messageAt(1).conversationId;
const other = '00000000-0000-7000-8000-00000000000f';

/** A panel's timelines on a database of the test's own. */
function setUp(count: number) {
  const database = {
    messages: new Map(Array.from({ length: count }, (_, index) => [index + 1, messageAt(index + 1)])),
    cap: 500,
    failure: null as Error | null,
    /** Answers wait for it. */
    gate: Promise.resolve(),
  };
  const newest = () => Math.max(0, ...database.messages.keys());
  const clock = new VirtualClock();
  const asked: [number, number][] = [];
  const log: string[] = [];
  const noted: Message[] = [];
  const timelines = new Timelines({
    fetch: async ({ fromSeq, toSeq }: PanelParams<'range'>, signal) => {
      asked.push([fromSeq, toSeq]);
      if (database.failure) throw database.failure;
      const inRange = [...database.messages.values()].filter(({ seq }) => fromSeq <= seq && seq <= toSeq);
      const answer = { messages: inRange.slice(0, database.cap), lastSeq: newest() };
      await database.gate;
      signal.throwIfAborted();
      return answer;
    },
    onRows: (_, rows) => noted.push(...rows),
    onStatus: () => undefined,
    timers: clock,
    log: (text) => log.push(text),
  });
  const generation = { now: 1 };
  const show = (changes: Partial<PanelView> = {}, anchor?: number) => {
    const conversation = { id, title: '', lastSeq: newest(), agent: null };
    const models = { hasModel: null, lastModel: null, instanceId: null, otherWindows: 0 };
    const well = { connection: 'ready' as const, problem: null, readOnly: null, ...models };
    timelines.show({ conversation, generation: generation.now, ...well, ...changes }, anchor);
  };
  const showOther = () => show({ conversation: { id: other, title: '', lastSeq: 0, agent: null } });
  /** What was asked for since the last time, without the questions for the newest number. */
  const take = async () => {
    await clock.pass(0);
    return asked.splice(0).filter(([, to]) => to > 0);
  };
  const write = (seq: number, changes: Partial<Message> = {}) => {
    const message = messageAt(seq, changes);
    database.messages.set(seq, message);
    return message;
  };
  const texts = () => timelines.of(id).pages.value.rows.map(({ content }) => content);
  return { clock, database, timelines, show, showOther, take, write, log, noted, generation, texts };
}

describe('timelines of the panel', () => {
  it('ask for the newest page when a conversation is opened, and for older ones only when wanted', async () => {
    const { timelines, show, take } = setUp(50);
    show();
    assert.deepEqual(await take(), [[31, 50]]);
    timelines.loadOlder(id);
    timelines.loadOlder(id);
    assert.deepEqual(await take(), [[11, 30]]);
    timelines.loadOlder(id);
    assert.deepEqual(await take(), [[1, 10]]);
    timelines.loadOlder(id);
    assert.deepEqual([await take(), timelines.of(id).pages.value.rows.length], [[], 50]);
  });

  it('ask for what is around a message, and for newer ones on the way back to the end', async () => {
    const { timelines, show, take, write } = setUp(1000);
    show();
    await take();
    timelines.goTo(id, 500);
    timelines.loadNewer(id);
    assert.deepEqual(await take(), [[490, 520]]);
    timelines.receive(id, [write(1001)], 1001);
    assert.deepEqual([await take(), gaps(timelines.of(id).pages.value)], [[], []]);
    timelines.loadNewer(id);
    assert.deepEqual(await take(), [[521, 540]]);
    timelines.goTo(id, 1001);
    assert.deepEqual(await take(), [[982, 1001]]);
    timelines.loadNewer(id);
    assert.deepEqual(await take(), []);
  });

  it('return to where the reader was, and find nothing amiss with the rest', async () => {
    const { timelines, show, take, generation } = setUp(10_000);
    show({}, 5000);
    assert.deepEqual(await take(), [[4990, 5020]]);
    assert.deepEqual(await timelines.resync(id), []);
    generation.now++;
    show({}, 5000);
    assert.deepEqual(await take(), [[4990, 5020]]);
  });

  it('ask for nothing when a conversation is shown again in which nothing has changed', async () => {
    const { timelines, show, showOther, take, write } = setUp(60);
    show();
    await take();
    showOther();
    timelines.receive(id, [write(61)], 61);
    timelines.receive(id, [write(60, { revision: 2 })], 61);
    assert.deepEqual(await take(), []);
    show();
    assert.deepEqual([await take(), gaps(timelines.of(id).pages.value)], [[], []]);
  });

  it('ask for what changed in between, when it is shown again', async () => {
    const { timelines, show, showOther, take, write, texts } = setUp(60);
    show();
    await take();
    showOther();
    write(50, { revision: 2 });
    timelines.receive(id, [], 60, [{ from: 50, to: 50 }]);
    assert.deepEqual(await take(), []);
    show();
    assert.deepEqual([await take(), texts().includes('text 50, revision 2')], [[[50, 50]], true]);
  });

  it('ask for nothing before the newest number is known, nor while nobody would answer', async () => {
    const { timelines, show, take } = setUp(60);
    show({ connection: 'starting' });
    timelines.loadOlder(id);
    assert.deepEqual(await take(), []);
    show();
    assert.deepEqual(await take(), [[41, 60]]);
    show({ connection: 'restarting' });
    timelines.receive(id, [], 70);
    assert.deepEqual(await take(), []);
    assert.equal(timelines.of(id).pages.value.rows.length, 20);
  });

  it('ask at once for what an event shows to be missing, and for nothing else', async () => {
    const { timelines, show, take, write } = setUp(60);
    show();
    await take();
    for (let seq = 61; seq <= 70; seq++) write(seq);
    timelines.receive(id, [messageAt(70), messageAt(63)], 70);
    assert.deepEqual(await take(), [
      [64, 69],
      [61, 62],
    ]);
    timelines.receive(id, [], 70, [{ from: 50, to: 52 }]);
    assert.deepEqual([await take(), gaps(timelines.of(id).pages.value)], [[[50, 52]], []]);
  });

  it('ask again for what changed after the question', async () => {
    const { database, timelines, show, take, write, texts } = setUp(3);
    const { promise, resolve } = Promise.withResolvers<void>();
    database.gate = promise;
    show();
    assert.deepEqual(await take(), [[1, 3]]);
    write(2, { revision: 2 });
    timelines.receive(id, [], 3, [{ from: 2, to: 2 }]);
    resolve();
    assert.deepEqual([await take(), texts()[1]], [[[2, 2]], 'text 2, revision 2']);
  });

  it('ask for the rest of a short answer', async () => {
    const { database, show, take } = setUp(50);
    database.cap = 8;
    show();
    assert.deepEqual(await take(), [
      [31, 50],
      [39, 50],
      [47, 50],
    ]);
  });

  it('ask for everything that is wanted after the history was read anew, and hide nothing meanwhile', async () => {
    const { database, timelines, show, take, write, generation, texts } = setUp(60);
    show();
    await take();
    write(50, { revision: 2 });
    write(61);
    generation.now++;
    const { promise, resolve } = Promise.withResolvers<void>();
    database.gate = promise;
    show();
    assert.deepEqual(await take(), [[41, 61]]);
    assert.deepEqual([texts().length, timelines.of(id).isFetching.value], [20, true]);
    resolve();
    assert.deepEqual(await take(), []);
    assert.deepEqual([texts()[9], texts().length], ['text 50, revision 2', 21]);
    assert.equal(timelines.of(id).isFetching.value, false);
  });

  it('hold no more than the database after it was set back, and say why', async () => {
    const { database, timelines, show, take, generation, texts, log } = setUp(60);
    show();
    await take();
    for (const seq of [58, 59, 60]) database.messages.delete(seq);
    generation.now++;
    show();
    await take();
    assert.deepEqual([texts().length, timelines.of(id).pages.value.lastSeq], [20, 57]);
    assert.deepEqual(log, [`${id} is loaded again: Message 60 is newer than the newest of the upstream, 57.`]);
  });

  it('let a hole hold up nothing', async () => {
    const { database, timelines, show, take } = setUp(120);
    for (const seq of [110, 111]) database.messages.delete(seq);
    show();
    assert.deepEqual(await take(), [
      [101, 120],
      [110, 111],
    ]);
    assert.equal(timelines.of(id).isFetching.value, false);
    assert.deepEqual(gaps(timelines.of(id).pages.value), [{ from: 110, to: 111 }]);
  });

  it('find every five minutes what nobody told them of, but only while somebody looks', async () => {
    const { clock, show, take, write } = setUp(60);
    show();
    await take();
    write(61);
    await clock.pass(5 * 60_000);
    assert.deepEqual(await take(), [[61, 61]]);
    show({ conversation: null });
    write(62);
    await clock.pass(5 * 60_000);
    assert.deepEqual(await take(), []);
  });

  it('fetch with a resync what nobody told them of, and tell which numbers that was', async () => {
    const { timelines, show, take, write } = setUp(60);
    show();
    await take();
    write(61);
    write(62);
    assert.deepEqual(await timelines.resync(id), [{ from: 61, to: 62 }]);
    assert.deepEqual(await timelines.resync(id), []);
    assert.deepEqual(await timelines.resync(other), []);
    assert.deepEqual(await take(), [[61, 62]]);
  });

  it('end a resync with what it has brought when it is cancelled', async () => {
    const { database, timelines, show, take, write } = setUp(60);
    show();
    await take();
    write(61);
    database.gate = Promise.withResolvers<void>().promise;
    timelines.receive(id, [], 61);
    await take();
    database.gate = Promise.resolve();
    const resync = timelines.resync(id);
    timelines.cancelResync(id);
    assert.deepEqual(await resync, []);
    assert.equal(timelines.of(id).isFetching.value, false);
  });

  it('log why messages do not come, and fail a resync with the reason', async () => {
    const { clock, database, timelines, show, take, log } = setUp(60);
    database.failure = new DevChatError('busy', 'busy now');
    show();
    await clock.pass(60_000);
    assert.ok(log.includes('messages could not be fetched: DevChatError: busy now'));
    await assert.rejects(timelines.resync(id), /busy now/);
    database.failure = null;
    await timelines.resync(id);
    assert.deepEqual([(await take()).at(-1), timelines.of(id).pages.value.rows.length], [[41, 60], 20]);
  });

  it('show all rows to those who draw consequences, also of conversations that are not held', async () => {
    const { timelines, noted } = setUp(1);
    const message = messageAt(1, { conversationId: other });
    timelines.receive(other, [message], 1);
    assert.deepEqual([noted, timelines.find(other)], [[message], undefined]);
  });

  it('keep the conversations that were used last', () => {
    const { timelines } = setUp(1);
    const first = timelines.of('first');
    for (let index = 0; index < 7; index++) timelines.of(String(index));
    assert.equal(timelines.of('first'), first);
    timelines.of('one too many');
    assert.deepEqual([timelines.find('0'), timelines.find('first')], [undefined, first]);
  });
});
