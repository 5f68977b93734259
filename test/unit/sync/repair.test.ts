import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Message } from '../../../src/protocol/model.ts';
import { ChatSync } from '../../../src/sync/chat/chatSync.ts';
import { backOff } from '../../../src/sync/chat/repair.ts';
import { countSeqs, type SeqRange, toRanges } from '../../../src/sync/sequence.ts';
import { VirtualClock } from '../../support/clock.ts';
import { type Faults, FaultyUpstream, type RangeRequest } from '../../support/faultyUpstream.ts';
import { MemoryReplica } from '../../support/memoryReplica.ts';
import { runs } from '../properties.ts';
import { messageAt } from '../views/messages.ts';

const id = messageAt(1).conversationId;
const LATENCY = 100;
const HOLD = 500;

/** How each message of the upstream reaches the replica. */
type Fate =
  | { kind: 'held' | 'missing' | 'hole' | 'lost' }
  /** It comes by itself, so many ms after the newest number is known. */
  | { kind: 'late'; at: number };

interface Pattern {
  fates: Fate[];
  /** Numbers that come by themselves once more, and when. */
  repeated: { seq: number; at: number }[];
  faults: Faults;
}

const fate: fc.Arbitrary<Fate> = fc.oneof(
  { weight: 6, arbitrary: fc.constant<Fate>({ kind: 'held' }) },
  { weight: 4, arbitrary: fc.constant<Fate>({ kind: 'missing' }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('late' as const), at: fc.integer({ min: 1, max: 1500 }) }) },
);
const repeated = fc.array(fc.record({ seq: fc.integer({ min: 1, max: 30 }), at: fc.integer({ min: 0, max: 1500 }) }), {
  maxLength: 5,
});
const harmless = fc.record({ isDuplicating: fc.boolean(), isReordering: fc.boolean() });
const withHoles = fc.oneof(
  { weight: 9, arbitrary: fate },
  { weight: 1, arbitrary: fc.constant<Fate>({ kind: 'hole' }) },
);
const withLoss = fc.oneof(
  { weight: 9, arbitrary: withHoles },
  { weight: 1, arbitrary: fc.constant<Fate>({ kind: 'lost' }) },
);
const faulty = fc.record({
  isDuplicating: fc.boolean(),
  isReordering: fc.boolean(),
  failures: fc.nat({ max: 3 }),
  pageLimit: fc.integer({ min: 1, max: 8 }),
});
const patternOf = (fates: fc.Arbitrary<Fate>, faults: fc.Arbitrary<Faults>): fc.Arbitrary<Pattern> =>
  fc.record({ fates: fc.array(fates, { minLength: 1, maxLength: 30 }), repeated, faults });

const messagesOf = (count: number): Message[] => Array.from({ length: count }, (_, index) => messageAt(index + 1));
const numbersIn = (ranges: Iterable<SeqRange>): number[] =>
  [...ranges].flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, index) => from + index));
const numbersOf = ({ fates }: Pattern, kind: Fate['kind']): number[] =>
  fates.flatMap((each, index) => (each.kind === kind ? [index + 1] : []));

/** A replica, its upstream and what keeps it equal, in virtual time. */
function connect(messages: readonly Message[], faults: Faults = {}) {
  const clock = new VirtualClock();
  const upstream = new FaultyUpstream(clock, { latency: LATENCY, ...faults });
  upstream.conversations.set(id, messages);
  const store = new MemoryReplica();
  const failures: unknown[] = [];
  const sync = new ChatSync({ upstream, store, timers: clock, hold: 500, failed: (error) => failures.push(error) });
  return { clock, upstream, store, sync, failures };
}

/** Plays a pattern to its end; every request must ask for nothing but what is missing at that moment. */
async function play(pattern: Pattern) {
  const { fates, faults } = pattern;
  const messages = messagesOf(fates.length);
  const holes = numbersOf(pattern, 'hole');
  const parts = connect(messages, { ...faults, holes, lost: numbersOf(pattern, 'lost') });
  const { clock, upstream, store, sync } = parts;
  const held = numbersOf(pattern, 'held');
  for (const seq of held) store.rows(id).set(seq, messageAt(seq));
  const asked: number[] = [];
  upstream.asked = ({ from, to }: RangeRequest) => {
    for (const seq of numbersIn([{ from, to }])) {
      assert.ok(!store.rows(id).has(seq), `${seq} is held, but asked for`);
      asked.push(seq);
    }
  };
  const arrivals = fates.flatMap((each, index) => (each.kind === 'late' ? [{ seq: index + 1, at: each.at }] : []));
  const listed = (faults.failures ?? 0) === 0 ? LATENCY : LATENCY + 1000;
  for (const { seq, at } of [...arrivals, ...pattern.repeated.filter(({ seq }) => seq <= fates.length)])
    clock.after(listed + at, () => void sync.received([messageAt(seq)]));
  sync.open(id);
  sync.connected();
  await clock.pass(120_000);
  return { ...parts, asked, arrivals, holes };
}

describe('repair', function () {
  this.timeout(120_000);

  it('ends in sync, with each missing number asked for exactly once, whatever is missing, late or repeated', async () => {
    await fc.assert(
      fc.asyncProperty(patternOf(fate, harmless), async (pattern) => {
        const { sync, store, upstream, asked, arrivals } = await play(pattern);
        assert.equal(sync.status(id).state, 'SYNCED');
        assert.deepEqual(store.ranges(id), [{ from: 1, to: pattern.fates.length }]);
        assert.ok(upstream.mostInFlight <= 1);
        assert.deepEqual(asked, [...new Set(asked)], 'a number was asked for twice');
        const repeats = new Set(pattern.repeated.map(({ seq }) => seq));
        const missing = numbersOf(pattern, 'missing').filter((seq) => !repeats.has(seq));
        assert.deepEqual(
          missing.filter((seq) => !asked.includes(seq)),
          [],
        );
        const inTime = arrivals.filter(({ at }) => at < HOLD).map(({ seq }) => seq);
        assert.deepEqual(
          inTime.filter((seq) => asked.includes(seq)),
          [],
          'a late message was not waited for',
        );
        assert.deepEqual(
          asked.filter((seq) => pattern.fates[seq - 1]?.kind === 'held'),
          [],
        );
      }),
      // What may happen to so many numbers is a wide space, here and below.
      runs(5000),
    );
  });

  it('ends in sync, or names the permanent holes, and asks for each number once', async () => {
    await fc.assert(
      fc.asyncProperty(patternOf(withHoles, harmless), async (pattern) => {
        const { sync, store, clock, upstream, asked } = await play(pattern);
        assert.deepEqual(asked, [...new Set(asked)], 'a number was asked for twice');
        const requests = upstream.requests.length;
        const resync = sync.resync(id);
        await clock.pass(LATENCY);
        const { state, reason, holes, fetched } = await resync;
        const repeats = new Set(pattern.repeated.map(({ seq }) => seq));
        const expected = numbersOf(pattern, 'hole').filter((seq) => !repeats.has(seq));
        assert.deepEqual(holes, toRanges(expected));
        assert.deepEqual(
          [state, reason],
          expected.length === 0 ? ['SYNCED', 'validated'] : ['OUT_OF_SYNC', 'gap_detected'],
        );
        assert.equal(countSeqs(store.ranges(id)), pattern.fates.length - expected.length);
        assert.deepEqual([fetched, upstream.requests.length], [0, requests], 'a permanent hole was asked for again');
      }),
      runs(2500),
    );
  });

  it('copes with failures, short answers and numbers that never come, and comes to rest', async () => {
    await fc.assert(
      fc.asyncProperty(patternOf(withLoss, faulty), async (pattern) => {
        const { sync, store, clock, upstream } = await play(pattern);
        const requests = upstream.requests.length;
        await clock.pass(120_000);
        assert.equal(upstream.requests.length, requests, 'what never comes is asked for without end');
        const resync = sync.resync(id);
        await clock.pass(60_000);
        const { state, reason } = await resync;
        const repeats = new Set(pattern.repeated.map(({ seq }) => seq));
        const never = [...numbersOf(pattern, 'lost'), ...numbersOf(pattern, 'hole')].filter((seq) => !repeats.has(seq));
        assert.deepEqual(
          [state, reason],
          never.length === 0 ? ['SYNCED', 'validated'] : ['OUT_OF_SYNC', 'gap_detected'],
        );
        assert.equal(countSeqs(store.ranges(id)), pattern.fates.length - never.length);
        assert.ok(upstream.mostInFlight <= 1);
      }),
      runs(2500),
    );
  });

  it('waits longer and longer between attempts, but never for ever', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000_000 }), (failures) => {
        const [pause, next] = [backOff(failures), backOff(failures + 1)];
        assert.ok(1000 <= pause && pause <= next && next <= Math.min(2 * pause, 30_000));
      }),
    );
  });
});
