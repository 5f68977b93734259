import assert from 'node:assert/strict';
import type { Message } from '../../../src/protocol/model.ts';
import type { SyncState } from '../../../src/protocol/rpc.ts';
import { ChatSync } from '../../../src/sync/chat/chatSync.ts';
import { type SyncAction, type SyncEvent, transitions } from '../../../src/sync/chat/transitions.ts';
import type { Validity } from '../../../src/sync/sequence.ts';
import { VirtualClock } from '../../support/clock.ts';
import { FaultyUpstream } from '../../support/faultyUpstream.ts';
import { MemoryReplica } from '../../support/memoryReplica.ts';
import { messageAt } from '../views/messages.ts';

const id = messageAt(1).conversationId;
const LATENCY = 10;
const HOLD = 500;
const FIVE_MINUTES = 5 * 60_000;

const states: readonly SyncState[] = ['UNKNOWN', 'SYNCED', 'OUT_OF_SYNC'];
const findings = ['validated', 'gap_detected', 'sequence_mismatch'] as const;
type Happening = Exclude<SyncEvent, Validity>;
type Parts = Awaited<ReturnType<typeof connect>>;

const messagesOf = (count: number): Message[] => Array.from({ length: count }, (_, index) => messageAt(index + 1));

/** A chat of as many messages, of which some are held, with the list known. */
async function connect(count: number, held: readonly number[]) {
  const clock = new VirtualClock();
  const upstream = new FaultyUpstream(clock, { latency: LATENCY });
  const store = new MemoryReplica();
  const sync = new ChatSync({ upstream, store, timers: clock, hold: HOLD, failed: () => undefined });
  const parts = { clock, upstream, store, sync };
  upstream.conversations.set(id, messagesOf(count));
  hold(parts, held);
  sync.connected();
  await clock.pass(LATENCY);
  return parts;
}

function hold({ store }: Parts, seqs: readonly number[]): void {
  store.rows(id).clear();
  for (const seq of seqs) store.rows(id).set(seq, messageAt(seq));
}

const numbersTo = (newest: number) => messagesOf(newest).map(({ seq }) => seq);

/** A chat that has just been told of two messages that it does not hold. */
function doubt({ upstream, sync }: Parts): void {
  upstream.conversations.set(id, messagesOf(5));
  sync.newest(id, 5);
}

/** An open chat in each state, at rest but for a hold. */
const arrange: Record<SyncState, () => Promise<Parts>> = {
  UNKNOWN: async () => {
    const parts = await arrange.SYNCED();
    doubt(parts);
    return parts;
  },
  SYNCED: async () => {
    const parts = await connect(3, [1, 2, 3]);
    parts.sync.open(id);
    return parts;
  },
  OUT_OF_SYNC: async () => {
    const parts = await connect(3, [1, 3]);
    parts.upstream.faults = { latency: LATENCY, holes: [2] };
    parts.sync.open(id);
    await parts.clock.pass(LATENCY);
    return parts;
  },
};

/** The same with a hold. */
const arrangeHold: Record<SyncState, () => Promise<Parts>> = {
  UNKNOWN: arrange.UNKNOWN,
  SYNCED: async () => {
    const parts = await arrange.SYNCED();
    parts.store.rows(id).delete(2);
    await parts.clock.pass(FIVE_MINUTES + LATENCY);
    return parts;
  },
  OUT_OF_SYNC: async () => {
    const parts = await arrange.OUT_OF_SYNC();
    doubt(parts);
    return parts;
  },
};

/** The same with a request of a repair on its way. */
const arrangeRepair: Record<SyncState, () => Promise<Parts>> = {
  UNKNOWN: async () => {
    const parts = await arrangeRepair.OUT_OF_SYNC();
    parts.upstream.faults = { latency: 10 * LATENCY };
    parts.sync.connected();
    return parts;
  },
  SYNCED: async () => {
    const parts = await arrangeRepair.OUT_OF_SYNC();
    await parts.sync.received([messageAt(2)]);
    return parts;
  },
  OUT_OF_SYNC: async () => {
    const parts = await connect(3, [1, 3]);
    parts.sync.open(id);
    return parts;
  },
};

/** The same just before a validation is due. */
const arrangeLate: Record<SyncState, () => Promise<Parts>> = {
  UNKNOWN: async () => {
    const parts = await arrangeLate.SYNCED();
    doubt(parts);
    return parts;
  },
  SYNCED: async () => {
    const parts = await arrange.SYNCED();
    await parts.clock.pass(FIVE_MINUTES - LATENCY);
    return parts;
  },
  OUT_OF_SYNC: async () => {
    const parts = await arrange.OUT_OF_SYNC();
    await parts.clock.pass(FIVE_MINUTES - 2 * LATENCY);
    return parts;
  },
};

interface Cause {
  arrange: Record<SyncState, () => Promise<Parts>>;
  fire(parts: Parts): unknown;
  /** Lists that the event itself asks for. */
  lists: number;
}

/** How each event is brought about. */
const causes: Record<Happening, Cause> = {
  opened: { arrange, fire: ({ sync }) => sync.open(id), lists: 0 },
  messageReceived: { arrange, fire: ({ sync }) => sync.received([messageAt(1)]), lists: 0 },
  newestLearnt: { arrange, fire: ({ sync }) => sync.newest(id, newestOf(sync) + 1), lists: 0 },
  holdElapsed: { arrange: arrangeHold, fire: ({ clock }) => clock.pass(HOLD), lists: 0 },
  revalidationDue: { arrange: arrangeLate, fire: ({ clock }) => clock.pass(2 * LATENCY), lists: 1 },
  connected: { arrange, fire: ({ sync }) => sync.connected(), lists: 1 },
  resyncRequested: {
    arrange,
    fire: ({ sync, clock }) => {
      void sync.resync(id);
      return clock.pass(LATENCY);
    },
    lists: 1,
  },
  repairEnded: { arrange: arrangeRepair, fire: ({ clock }) => clock.pass(LATENCY), lists: 0 },
};

const newestOf = (sync: ChatSync): number => sync.status(id).expected ?? 0;

/** Makes the replica one of which validation finds this, without anybody noticing. */
function make(parts: Parts, found: Validity, event: SyncEvent): void {
  const all = numbersTo(newestOf(parts.sync) + (event === 'newestLearnt' ? 1 : 0));
  if (found === 'validated') hold(parts, all);
  if (found === 'gap_detected')
    hold(
      parts,
      all.filter((seq) => seq !== 3),
    );
  if (found === 'sequence_mismatch') hold(parts, [...all, 99]);
}

const walked = new Set<string>();

/** Where the table leads from a state, given what validation will find; the last action is the one to be seen. */
function follow(state: SyncState, event: SyncEvent, found: Validity): [SyncState, SyncAction] {
  walked.add(`${state} ${event}`);
  const [next, action] = transitions[state][event];
  const isChecked = action === 'check' || (action === 'hold' && found !== 'gap_detected');
  return isChecked ? follow(next, found, found) : [next, action];
}

/** What the machine can be seen to do. */
function seen({ upstream, sync }: Parts, before: { requests: number; lists: number }): SyncAction {
  if (upstream.requests.length > before.requests) return 'repair';
  if (upstream.lists > before.lists) return 'reload';
  return sync.status(id).isValidating ? 'hold' : 'nothing';
}

async function walk(state: SyncState, event: Happening, found: Validity): Promise<void> {
  const cause = causes[event];
  const parts = await cause.arrange[state]();
  assert.equal(parts.sync.status(id).state, state);
  make(parts, found, event);
  const before = { requests: parts.upstream.requests.length, lists: parts.upstream.lists + cause.lists };
  await cause.fire(parts);
  assert.deepEqual([parts.sync.status(id).state, seen(parts, before)], follow(state, event, found));
}

describe('the table of states and events', () => {
  for (const state of states) {
    for (const event of Object.keys(causes) as Happening[]) {
      // While a connection is new, no validation can find anything.
      const possible = state === 'UNKNOWN' && event === 'repairEnded' ? (['backend_seq_unknown'] as const) : findings;
      for (const found of possible) {
        it(`holds in ${state} for ${event}, then ${found}`, () => walk(state, event, found));
      }
    }
  }

  it('holds in each state for a chat that turns out to be empty', async () => {
    const parts = await connect(0, []);
    parts.sync.open(id);
    assert.equal(parts.sync.status(id).state, follow('UNKNOWN', 'opened', 'no_messages')[0]);
    const resync = () => causes.resyncRequested.fire(parts);
    await resync();
    assert.equal(parts.sync.status(id).state, follow('SYNCED', 'resyncRequested', 'no_messages')[0]);
    hold(parts, [1]);
    parts.upstream.faults = { failures: 1 };
    parts.sync.open(id);
    await parts.clock.pass(0);
    assert.equal(parts.sync.status(id).state, 'OUT_OF_SYNC');
    hold(parts, []);
    await resync();
    assert.equal(parts.sync.status(id).state, follow('OUT_OF_SYNC', 'resyncRequested', 'no_messages')[0]);
  });

  it('was walked in every cell that can be reached', () => {
    const cells = states.flatMap((state) => Object.keys(transitions[state]).map((event) => `${state} ${event}`));
    // A newest number is forgotten only by a new connection, which makes the state UNKNOWN as well.
    const unreachable = ['SYNCED backend_seq_unknown', 'OUT_OF_SYNC backend_seq_unknown'];
    assert.deepEqual(
      cells.filter((cell) => !walked.has(cell)),
      unreachable,
    );
  });
});
