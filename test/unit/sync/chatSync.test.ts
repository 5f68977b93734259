import assert from 'node:assert/strict';
import type { Message } from '../../../src/protocol/model.ts';
import { ChatSync } from '../../../src/sync/chat/chatSync.ts';
import { VirtualClock } from '../../support/clock.ts';
import { type Faults, FaultyUpstream } from '../../support/faultyUpstream.ts';
import { MemoryReplica } from '../../support/memoryReplica.ts';
import { messageAt } from '../views/messages.ts';

const id = messageAt(1).conversationId;
const other = '00000000-0000-7000-8000-00000000000f';
const HOLD = 500;
const FIVE_MINUTES = 5 * 60_000;

const messagesOf = (count: number): Message[] => Array.from({ length: count }, (_, index) => messageAt(index + 1));

/** A replica that holds some of the upstream's messages, not connected yet. */
function replicate({ count = 0, held = [] as number[], faults = {} as Faults }) {
  const clock = new VirtualClock();
  const upstream = new FaultyUpstream(clock, faults);
  upstream.conversations.set(id, messagesOf(count));
  const store = new MemoryReplica();
  for (const seq of held) store.rows(id).set(seq, messageAt(seq));
  const failures: unknown[] = [];
  const sync = new ChatSync({ upstream, store, timers: clock, hold: HOLD, failed: (error) => failures.push(error) });
  const asked = () => upstream.requests.map(({ from, to }) => [from, to]);
  const add = (seq: number) => upstream.conversations.set(id, messagesOf(seq)) && sync.received([messageAt(seq)]);
  return { clock, upstream, store, sync, failures, asked, add };
}

/** The same with the list known. */
async function connect(setup: Parameters<typeof replicate>[0]) {
  const parts = replicate(setup);
  parts.sync.connected();
  await parts.clock.pass(0);
  return parts;
}

describe('chat sync', () => {
  describe('of a chat that is opened', () => {
    it('asks for nothing when the chat is complete', async () => {
      const { sync, upstream } = await connect({ count: 3, held: [1, 2, 3] });
      sync.open(id);
      assert.deepEqual([sync.status(id).state, upstream.requests, upstream.lists], ['SYNCED', [], 1]);
    });

    it('asks for nothing and knows nothing before the list is known', async () => {
      const { sync, clock, upstream } = replicate({ count: 3, held: [1] });
      sync.open(id);
      await clock.pass(HOLD);
      const { state, reason, isValidating } = sync.status(id);
      assert.deepEqual([state, reason, isValidating], ['UNKNOWN', 'backend_seq_unknown', false]);
      assert.deepEqual([upstream.requests, upstream.lists], [[], 0]);
    });

    it('fetches at once what is known to be missing, the newest first, in bounded requests', async () => {
      const { sync, clock, asked, store } = await connect({ count: 1200, held: [1, 2, 700] });
      sync.open(id);
      await clock.pass(0);
      assert.deepEqual(asked(), [
        [701, 1200],
        [200, 699],
        [3, 199],
      ]);
      assert.deepEqual([sync.status(id).state, store.ranges(id)], ['SYNCED', [{ from: 1, to: 1200 }]]);
    });

    it('fetches little more than the 1 % of a long chat that is missing', async () => {
      const held = messagesOf(10_000)
        .map(({ seq }) => seq)
        .filter((seq) => seq % 100 !== 37);
      const { sync, clock, upstream } = await connect({ count: 10_000, held });
      sync.open(id);
      await clock.pass(0);
      const missing = messagesOf(10_000).filter(({ seq }) => seq % 100 === 37);
      const size = missing.reduce((sum, message) => sum + Buffer.byteLength(JSON.stringify(message)), 0);
      assert.equal(sync.status(id).state, 'SYNCED');
      assert.deepEqual([upstream.numbers, upstream.bytes <= 1.2 * size], [100, true]);
    });

    it('says while messages are fetched how many there are of how many', async () => {
      const { sync, clock, store } = await connect({ count: 900, held: [1] });
      store.told.length = 0;
      sync.open(id);
      await clock.pass(0);
      const told = store.told.map(({ state, isFetching, fetched, wanted }) => [state, isFetching, fetched, wanted]);
      assert.deepEqual(told, [
        ['OUT_OF_SYNC', true, 0, 899],
        ['OUT_OF_SYNC', true, 0, 899],
        ['OUT_OF_SYNC', true, 500, 899],
        ['SYNCED', false, 0, 0],
      ]);
    });

    it('fetches nothing more once the chat is closed', async () => {
      const { sync, clock, asked } = await connect({ count: 1200, faults: { latency: 100, isDeaf: true } });
      await clock.pass(100);
      const close = sync.open(id);
      const stillOpen = sync.open(id);
      close();
      close();
      await clock.pass(150);
      assert.equal(asked().length, 2);
      stillOpen();
      await clock.pass(FIVE_MINUTES);
      assert.deepEqual([asked().length, sync.status(id).isFetching, clock.pending], [2, false, 0]);
    });

    it('heals when it is opened again while the first repair still ends', async () => {
      const { sync, clock, upstream } = await connect({ count: 3, faults: { latency: 100 } });
      await clock.pass(100);
      sync.open(id)();
      sync.open(id);
      await clock.pass(1000);
      assert.deepEqual([sync.status(id).state, upstream.mostInFlight <= 2], ['SYNCED', true]);
    });
  });

  describe('of a message that comes by itself', () => {
    it('stores it at once, though nobody has opened the chat or heard of it', async () => {
      const { sync, store, upstream } = replicate({});
      const messages = [messageAt(7, { conversationId: other }), messageAt(2)];
      const stored = sync.received(messages);
      assert.deepEqual([...store.rows(other).keys(), ...store.rows(id).keys()], [7, 2]);
      await stored;
      assert.deepEqual([sync.status(other).state, upstream.lists], ['UNKNOWN', 0]);
    });

    it('stays in sync with one after the other, and asks for nothing', async () => {
      const { sync, store, upstream, add } = await connect({ count: 1, held: [1] });
      sync.open(id);
      store.told.length = 0;
      for (let seq = 2; seq <= 20; seq++) await add(seq);
      assert.deepEqual(new Set(store.told.map(({ state }) => state)), new Set(['SYNCED']));
      assert.deepEqual([upstream.requests, sync.status(id).expected], [[], 20]);
    });

    it('waits a moment for those that it overtook', async () => {
      const { sync, clock, asked, add } = await connect({ count: 1, held: [1] });
      sync.open(id);
      await add(3);
      assert.deepEqual([sync.status(id).state, sync.status(id).isValidating], ['UNKNOWN', true]);
      await clock.pass(HOLD - 1);
      await sync.received([messageAt(2)]);
      assert.deepEqual([sync.status(id).state, clock.pending], ['SYNCED', 1]);
      await clock.pass(HOLD);
      assert.deepEqual(asked(), []);
      await add(6);
      await clock.pass(HOLD);
      assert.deepEqual([sync.status(id).state, asked()], ['SYNCED', [[4, 5]]]);
    });

    it('does not make the others wait longer', async () => {
      const { sync, clock, asked, add } = await connect({ count: 1, held: [1] });
      sync.open(id);
      for (let seq = 3; seq < 8; seq++) {
        await add(seq);
        await clock.pass(HOLD / 5);
      }
      assert.deepEqual([asked(), sync.status(id).state], [[[2, 2]], 'SYNCED']);
    });

    it('is not asked for when it comes during a repair', async () => {
      const { sync, clock, asked } = await connect({ count: 1200, faults: { latency: 100 } });
      await clock.pass(100);
      sync.open(id);
      await clock.pass(50);
      await sync.received([messageAt(100), messageAt(500)]);
      await clock.pass(1000);
      assert.deepEqual(asked(), [
        [701, 1200],
        [501, 700],
        [101, 499],
        [1, 99],
      ]);
      assert.equal(sync.status(id).state, 'SYNCED');
    });

    it('leaves a chat that nobody has open in doubt, and the gap alone', async () => {
      const { sync, clock, upstream, add } = await connect({ count: 1, held: [1] });
      sync.open(id)();
      assert.equal(sync.status(id).state, 'SYNCED');
      await add(3);
      await clock.pass(FIVE_MINUTES);
      assert.deepEqual([sync.status(id).state, upstream.requests], ['UNKNOWN', []]);
    });

    it('reports what the store refuses, and gets the message later', async () => {
      const { sync, clock, store, upstream, asked } = await connect({ count: 1, held: [1] });
      sync.open(id);
      upstream.conversations.set(id, messagesOf(2));
      const keep = store.store.bind(store);
      store.store = () => Promise.reject(new Error('disk full'));
      await assert.rejects(sync.received([messageAt(2)]), /disk full/);
      store.store = keep;
      await clock.pass(HOLD);
      assert.deepEqual([asked(), sync.status(id).state], [[[2, 2]], 'SYNCED']);
    });
  });

  describe('with what it is told of the newest number', () => {
    it('fetches what does not follow by itself', async () => {
      const { sync, clock, upstream, asked } = await connect({ count: 1, held: [1] });
      sync.open(id);
      upstream.conversations.set(id, messagesOf(4));
      sync.newest(id, 4);
      sync.newest(id, 2);
      await clock.pass(HOLD);
      assert.deepEqual([asked(), sync.status(id).expected], [[[2, 4]], 4]);
    });

    it('does not take a list for the truth that is older than a message', async () => {
      const { sync, clock, store } = replicate({ count: 3, held: [1, 2, 3], faults: { latency: 100 } });
      sync.open(id);
      sync.connected();
      await sync.received([messageAt(4)]);
      await clock.pass(1000);
      assert.deepEqual([sync.status(id).state, sync.status(id).expected, store.discarded], ['SYNCED', 4, []]);
    });
  });

  describe('after a connection was made', () => {
    it('doubts every chat, asks for the list once and fetches nothing; a chat heals when it is opened', async () => {
      const { sync, clock, upstream, store } = await connect({ count: 3, held: [1, 2, 3] });
      upstream.conversations.set(other, [messageAt(1, { conversationId: other })]);
      sync.open(id)();
      upstream.conversations.set(id, messagesOf(5));
      sync.connected();
      assert.equal(sync.status(id).state, 'UNKNOWN');
      await clock.pass(HOLD);
      assert.deepEqual([upstream.lists, upstream.requests], [2, []]);
      sync.open(id);
      await clock.pass(0);
      assert.deepEqual(
        [sync.status(id).state, store.ranges(id), store.ranges(other)],
        ['SYNCED', [{ from: 1, to: 5 }], []],
      );
    });

    it('asks for the list until there is an answer, less and less often', async () => {
      const { sync, clock, upstream, failures } = replicate({ count: 1, faults: { failures: 7 } });
      const times: number[] = [];
      const list = upstream.list.bind(upstream);
      upstream.list = (signal) => {
        times.push(clock.now() / 1000);
        return list(signal);
      };
      sync.connected();
      await clock.pass(FIVE_MINUTES);
      assert.deepEqual(times, [0, 1, 3, 7, 15, 31, 61, 91]);
      assert.deepEqual([failures.length, sync.status(id).expected], [7, 1]);
    });

    for (const isDeaf of [false, true]) {
      it(`counts no list of an earlier connection${isDeaf ? ', though it is answered' : ''}`, async () => {
        const { sync, clock, upstream, failures } = replicate({ count: 1, faults: { latency: 100, isDeaf } });
        sync.connected();
        const resync = sync.resync(other);
        await clock.pass(50);
        sync.connected();
        await clock.pass(99);
        assert.equal(sync.status(id).expected, undefined);
        await clock.pass(1);
        assert.deepEqual([sync.status(id).expected, upstream.lists, failures], [1, 2, []]);
        assert.equal((await resync).reason, 'backend_seq_unknown');
      });
    }
  });

  describe('of what does not come', () => {
    it('asks a few times, less and less often, then not again before the next validation', async () => {
      const { sync, clock, upstream, add } = await connect({ count: 3, held: [1, 3], faults: { lost: [2] } });
      const times: number[] = [];
      upstream.asked = () => times.push(clock.now() / 1000);
      sync.open(id);
      await clock.pass(60_000);
      assert.deepEqual([times, sync.status(id).state], [[0, 1, 3, 7, 15], 'OUT_OF_SYNC']);
      await add(4);
      await clock.pass(60_000);
      assert.equal(times.length, 5);
      upstream.faults = {};
      await clock.pass(FIVE_MINUTES);
      assert.deepEqual([times.length, sync.status(id).state], [6, 'SYNCED']);
    });

    it('asks again at once for what is wanted anew, and for nothing else', async () => {
      const { sync, clock, upstream, asked } = await connect({ count: 5, held: [1, 3, 5], faults: { lost: [2, 4] } });
      sync.open(id);
      await clock.pass(60_000);
      assert.deepEqual(sync.missing(id), []);
      const before = asked().length;
      upstream.faults = {};
      sync.want(id, [{ from: 1, to: 2 }]);
      assert.deepEqual(sync.missing(id), [{ from: 2, to: 2 }]);
      await clock.pass(HOLD);
      assert.deepEqual([asked().slice(before), sync.status(id).state], [[[2, 2]], 'OUT_OF_SYNC']);
    });

    it('reports why, when the upstream fails again and again', async () => {
      const { sync, clock, upstream, failures } = await connect({ count: 3, held: [1] });
      upstream.faults = { failures: 100 };
      sync.open(id);
      await clock.pass(60_000);
      assert.deepEqual([upstream.requests.length, failures.map(String)], [5, ['Error: the upstream failed']]);
      assert.equal(sync.status(id).isFetching, false);
    });

    it('reports when the replica cannot be read, and goes on with the next event', async () => {
      const { sync, clock, store, failures, add } = await connect({ count: 1, held: [1] });
      sync.open(id);
      await add(3);
      const ranges = store.ranges.bind(store);
      store.ranges = () => {
        throw new Error('unreadable');
      };
      await clock.pass(HOLD);
      assert.deepEqual(failures.map(String), ['Error: unreadable']);
      await clock.pass(FIVE_MINUTES);
      assert.equal(failures.length, 2);
      store.ranges = ranges;
      await sync.received([messageAt(2)]);
      assert.equal(sync.status(id).state, 'SYNCED');
    });

    it('shows no fetching while it pauses', async () => {
      const { sync, clock } = await connect({ count: 3, held: [1, 3], faults: { lost: [2] } });
      sync.open(id);
      await clock.pass(500);
      const { isFetching, isValidating } = sync.status(id);
      assert.deepEqual([isFetching, isValidating], [false, false]);
    });

    it('asks once for a permanent hole, even when the chat is opened again', async () => {
      const { sync, clock, asked } = await connect({ count: 3, held: [1, 3], faults: { holes: [2] } });
      sync.open(id);
      await clock.pass(60_000);
      sync.open(id);
      sync.connected();
      await clock.pass(FIVE_MINUTES);
      assert.deepEqual([asked(), sync.status(id).state], [[[2, 2]], 'OUT_OF_SYNC']);
    });
  });

  it('validates every five minutes what is open, and finds what nobody told', async () => {
    const { sync, clock, upstream, asked } = await connect({ count: 3, held: [1, 2, 3] });
    sync.open(id);
    upstream.conversations.set(id, messagesOf(5));
    await clock.pass(FIVE_MINUTES - 1);
    assert.equal(upstream.lists, 1);
    await clock.pass(1 + HOLD);
    assert.deepEqual([upstream.lists, asked(), sync.status(id).state], [2, [[4, 5]], 'SYNCED']);
    await clock.pass(FIVE_MINUTES);
    assert.equal(upstream.lists, 3);
  });

  describe('on a resync', () => {
    it('asks for the newest number and for what is missing, though all seems well, and says what it fetched', async () => {
      const { sync, clock, upstream, store } = await connect({ count: 3, held: [1, 2, 3] });
      upstream.conversations.set(id, messagesOf(6));
      store.rows(id).delete(2);
      const resync = sync.resync(id);
      assert.equal(sync.status(id).isValidating, true);
      await clock.pass(0);
      const fetchedRanges = [
        { from: 2, to: 2 },
        { from: 4, to: 6 },
      ];
      const common = { holes: [], reloadReason: null };
      assert.deepEqual(await resync, { state: 'SYNCED', reason: 'validated', fetchedRanges, fetched: 4, ...common });
      const again = sync.resync(id);
      await clock.pass(0);
      assert.deepEqual(await again, { state: 'SYNCED', reason: 'validated', fetchedRanges: [], fetched: 0, ...common });
      assert.deepEqual([upstream.lists, clock.pending], [3, 0]);
    });

    it('knows an empty chat from one that the upstream does not have', async () => {
      const { sync, clock } = replicate({ count: 0 });
      const resyncs = Promise.all([sync.resync(id), sync.resync(other)]);
      await clock.pass(0);
      const results = (await resyncs).map(({ state, reason }) => [state, reason]);
      assert.deepEqual(results, [
        ['SYNCED', 'no_messages'],
        ['UNKNOWN', 'backend_seq_unknown'],
      ]);
    });

    it('makes one of several that are asked for at the same time', async () => {
      const { sync, clock, upstream } = await connect({ count: 3, faults: { latency: 100 } });
      await clock.pass(100);
      const resync = sync.resync(id);
      await clock.pass(150);
      const joined = sync.resync(id);
      sync.open(id);
      await clock.pass(1000);
      assert.deepEqual([(await resync).fetched, await joined], [3, await resync]);
      assert.deepEqual([upstream.lists, upstream.requests.length, upstream.mostInFlight], [2, 1, 1]);
    });

    it('does not wait for a repair that pauses', async () => {
      const { sync, clock, upstream } = await connect({ count: 2, held: [1], faults: { lost: [2] } });
      sync.open(id);
      await clock.pass(3500);
      upstream.faults = {};
      const resync = sync.resync(id);
      await clock.pass(0);
      assert.deepEqual([(await resync).state, sync.status(id).state], ['SYNCED', 'SYNCED']);
    });

    it('fails with what the upstream failed with', async () => {
      const { sync, clock, failures } = replicate({ count: 3, faults: { failures: 1 } });
      const resync = assert.rejects(sync.resync(id), /the upstream failed/);
      await clock.pass(0);
      await resync;
      assert.deepEqual([failures, sync.status(id).isValidating], [[], false]);
    });

    it('ends with what it has when it is cancelled, and leaves the rest alone', async () => {
      const { sync, clock, asked } = await connect({ count: 1200, faults: { latency: 100 } });
      await clock.pass(100);
      sync.open(id);
      const resync = sync.resync(id);
      await clock.pass(250);
      sync.cancel(id);
      const { state, reason, fetchedRanges, fetched } = await resync;
      assert.deepEqual(
        [state, reason, fetchedRanges, fetched],
        ['OUT_OF_SYNC', 'gap_detected', [{ from: 701, to: 1200 }], 500],
      );
      const requests = asked().length;
      await clock.pass(60_000);
      assert.deepEqual([asked().length, sync.status(id).isFetching], [requests, false]);
    });
  });

  describe('of a replica that contradicts the upstream', () => {
    it('loads all of it again when a held number is newer than the upstream, and says so', async () => {
      const { sync, clock, store } = await connect({ count: 3, held: [1, 2, 3, 4, 5] });
      const resync = sync.resync(id);
      await clock.pass(0);
      const why = 'Message 5 is newer than the newest of the upstream, 3.';
      assert.deepEqual(await resync, {
        state: 'SYNCED',
        reason: 'validated',
        fetchedRanges: [{ from: 1, to: 3 }],
        fetched: 3,
        holes: [],
        reloadReason: why,
      });
      assert.deepEqual(store.discarded, [why]);
    });

    it('believes a list that was asked for after the messages it does not know', async () => {
      const { sync, clock, store, upstream, add } = await connect({ count: 3, held: [1, 2, 3] });
      await add(4);
      upstream.conversations.set(id, messagesOf(3));
      const resync = sync.resync(id);
      await clock.pass(0);
      assert.deepEqual([(await resync).state, store.ranges(id)], ['SYNCED', [{ from: 1, to: 3 }]]);
    });

    it('drops nothing before the upstream has said so again', async () => {
      const { sync, clock, store, upstream } = await connect({ count: 3, held: [1, 2, 3, 4] });
      upstream.conversations.set(id, messagesOf(4));
      sync.open(id);
      assert.equal(sync.status(id).reason, 'sequence_mismatch');
      await clock.pass(0);
      assert.deepEqual([sync.status(id).state, store.discarded, upstream.lists], ['SYNCED', [], 2]);
    });

    it('drops nothing when the upstream does not answer, and does not ask without end', async () => {
      const { sync, clock, store, upstream, failures } = await connect({ count: 3, held: [1, 2, 3, 4] });
      upstream.faults = { failures: 100 };
      sync.open(id);
      await clock.pass(60_000);
      assert.deepEqual([store.discarded, upstream.lists, failures.length], [[], 2, 1]);
      assert.equal(sync.status(id).state, 'OUT_OF_SYNC');
    });

    it('loads all of it again when two messages claim one number', async () => {
      const { sync, clock, store } = await connect({ count: 3, held: [1, 2, 3] });
      store.rows(id).set(2, messageAt(2, { id: 'another' }));
      sync.open(id);
      await sync.received([messageAt(2)]);
      await clock.pass(0);
      assert.deepEqual([store.discarded, sync.status(id).state], [['Two messages claim number 2.'], 'SYNCED']);
      assert.equal(store.rows(id).get(2)?.id, messageAt(2).id);
    });

    it('loads it again only once when that does not help', async () => {
      const { sync, clock, store, upstream } = await connect({ count: 3, held: [1, 2, 3] });
      const claims = [...messagesOf(3), messageAt(2, { id: 'another' })].sort((a, b) => a.seq - b.seq);
      upstream.conversations.set(id, claims);
      sync.open(id);
      await sync.received([messageAt(2, { id: 'another' })]);
      await clock.pass(60_000);
      assert.deepEqual([store.discarded.length, sync.status(id).state], [1, 'OUT_OF_SYNC']);
      assert.equal(sync.status(id).reason, 'sequence_mismatch');
    });
  });

  it('leaves nothing behind when it is disposed of', async () => {
    const { sync, clock, upstream, failures } = await connect({ count: 1200, faults: { latency: 100 } });
    await clock.pass(100);
    sync.open(id);
    sync.connected();
    await clock.pass(50);
    sync.dispose();
    await clock.pass(0);
    assert.deepEqual([clock.pending, upstream.inFlight, failures], [0, 0, []]);
  });
});
