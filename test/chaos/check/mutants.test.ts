import assert from 'node:assert/strict';
import { v7 as uuid } from 'uuid';
import { Random } from '../../support/random.ts';
import { Fleet, until } from '../fleet/fleet.ts';
import { addMessage, streamReply } from '../fleet/traffic.ts';
import { digest } from '../history/digest.ts';
import type { Event, Holdings, Operation, Remains } from '../history/event.ts';
import type { State } from '../history/state.ts';
import { plan } from '../plan.ts';
import { textOf } from '../text.ts';
import { check } from './check.ts';

/** A history and the database that it ended in. */
interface Case {
  history: Event[];
  state: State;
}

/** Two windows write, read, delete and stream, and a third is killed. */
async function record(): Promise<Case> {
  const fleet = new Fleet();
  const random = new Random(plan.seed, 'clean history');
  const [one, two, three] = await fleet.startAll(3);
  assert.ok(one && two && three);
  const conversation = (await one.create(uuid())) ?? '';
  const ids: string[] = [];
  for (let count = 0; count < 10; count++) {
    for (const window of [one, two]) ids.push((await addMessage(window, conversation, random)) ?? '');
  }
  const [changed = '', deleted = ''] = ids;
  for (let count = 0; count < 2; count++) {
    const { content, hash } = textOf(changed, random);
    await one.write('message/update', { messageId: changed, content }, { op: 'update', message: changed, hash });
  }
  await one.write('message/delete', { messageId: deleted }, { op: 'delete', message: deleted });
  const { content, hash } = textOf(deleted, random);
  await one.write('message/update', { messageId: deleted, content }, { op: 'update', message: deleted, hash });
  await streamReply(two, conversation, random);
  const gone = uuid();
  await three.write('message/delete', { messageId: gone }, { op: 'delete', message: gone });
  await fleet.kill(three);
  await until(one, 'status', ({ status }) => status?.peers.length === 1);
  await Promise.all([one, two].map((window) => window.read(conversation, 1, 50)));
  const state = await fleet.conclude();
  return { history: fleet.recorder.history, state };
}

/** The first event of this kind, or the last. */
function one(history: Event[], op: Operation, fits: (event: Event) => boolean = () => true): Event {
  const found = history.find((event) => event.op === op && event.result === 'ok' && fits(event));
  assert.ok(found, `the clean history has no ${op}`);
  return found;
}

const last = (history: Event[], op: Operation, fits?: (event: Event) => boolean) => one(history.toReversed(), op, fits);

function without<T>(items: T[], item: T | undefined): void {
  const index = items.indexOf(item as T);
  assert.ok(index >= 0);
  items.splice(index, 1);
}

function row({ state }: Case, fits: (row: State['messages'][number]) => boolean = () => true) {
  const found = state.messages.find((message) => !message.isDeleted && message.streamed === null && fits(message));
  assert.ok(found);
  return found;
}

/** Everybody agrees with the database as it is now, so that only the mutation itself can be noticed. */
function agree({ history, state }: Case): void {
  const hash = digest(state.messages.map(({ id, ...rest }) => ({ ...rest, message: id })));
  for (const event of history) if (event.op === 'digest') event.hash = hash;
}

/** The window that was there first holds so much more in the end. */
function leak({ history }: Case, kind: keyof Holdings, count: number): void {
  const { holdings } = one(history, 'rest');
  assert.ok(holdings);
  holdings[kind] += count;
}

function remains(history: Event[]): Remains {
  const { remains: found } = one(history, 'end');
  assert.ok(found);
  return found;
}

/** What goes wrong, the invariant that must notice it, and how to make it look so. */
const mutants: [what: string, invariant: string, mutate: (mutant: Case) => void][] = [
  ['an acknowledged message is dropped', 'durability', ({ state }) => without(state.messages, state.messages[4])],
  [
    'an acknowledged change is undone',
    'durability',
    (mutant) => {
      row(mutant, ({ revision }) => revision === 3).revision = 2;
      agree(mutant);
    },
  ],
  [
    'a deleted message is resurrected in the database',
    'durability',
    ({ state }) => {
      for (const message of state.messages) message.isDeleted = false;
    },
  ],
  [
    'a refused message is there',
    'durability',
    ({ history }) => {
      one(history, 'add').result = 'fail';
    },
  ],
  [
    'an acknowledged conversation is lost',
    'durability',
    ({ state }) => {
      state.conversations = [];
    },
  ],
  ['a row is there twice', 'uniqueness', (mutant) => mutant.state.messages.push({ ...row(mutant) })],
  [
    'two messages have one number',
    'uniqueness',
    (mutant) => {
      row(mutant, ({ seq }) => seq === 5).seq = 6;
    },
  ],
  [
    'a change is delivered twice',
    'uniqueness',
    ({ history }) => {
      const change = last(history, 'change');
      history.push({ ...change, mono: change.mono + 1e-5 });
    },
  ],
  [
    'a text is forged in the database',
    'no fabrication',
    (mutant) => {
      row(mutant).hash = 'forged';
      agree(mutant);
    },
  ],
  [
    'a text is forged on its way',
    'no fabrication',
    ({ history }) => {
      one(history, 'read').hash = 'forged';
    },
  ],
  ['a log entry is missing', 'atomicity', ({ state }) => without(state.log, state.log[5])],
  ['a search entry is missing', 'atomicity', (mutant) => without(mutant.state.indexed, row(mutant).id)],
  [
    'a log entry has no row',
    'atomicity',
    ({ state }) => {
      const entry = state.log.at(-1);
      if (entry) entry.message = uuid();
    },
  ],
  ['a number is skipped', 'gap-free numbers', ({ state }) => without(state.messages, state.messages[4])],
  [
    'a log id is skipped',
    'gap-free numbers',
    ({ state }) => {
      for (const entry of state.log.slice(5)) entry.id++;
      state.head++;
    },
  ],
  [
    'two log entries are swapped',
    'gap-free numbers',
    ({ state }) => {
      state.log.reverse();
    },
  ],
  [
    'two messages of one author are swapped',
    'order of each author',
    (mutant) => {
      const [first, , third] = mutant.state.messages;
      assert.ok(first && third);
      [first.seq, third.seq] = [third.seq, first.seq];
    },
  ],
  [
    'a revision falls for a reader',
    'monotonic reads',
    ({ history }) => {
      const read = last(history, 'read', ({ revision }) => revision === 3);
      history.push({ ...read, revision: 2, mono: read.mono + 1e4 });
    },
  ],
  [
    'a deleted message is resurrected for a reader',
    'monotonic reads',
    ({ history }) => {
      const read = last(history, 'read', ({ isDeleted }) => isDeleted === true);
      history.push({ ...read, isDeleted: false, mono: read.mono + 1e4 });
    },
  ],
  [
    'a message that was read vanishes',
    'monotonic reads',
    ({ history, state }) => {
      const seen = last(history, 'read');
      state.messages = state.messages.filter(({ id }) => id !== seen.message);
    },
  ],
  [
    'a conversation shrinks for a reader',
    'monotonic reads',
    ({ history }) => {
      const range = last(history, 'range');
      history.push({ ...range, seq: 1, mono: range.mono + 1e4 });
    },
  ],
  [
    'a stale row is read after one’s own write',
    'read your writes',
    ({ history }) => {
      const update = last(history, 'update', ({ revision }) => revision === 3);
      last(history, 'read', ({ proc, message }) => proc === update.proc && message === update.message).revision = 2;
    },
  ],
  [
    'a stale conversation is read after one’s own write',
    'read your writes',
    ({ history }) => {
      const { proc, conversation } = last(history, 'add');
      last(history, 'range', (event) => event.proc === proc && event.conversation === conversation).seq = 3;
    },
  ],
  [
    'a replica misses what it was told',
    'order of delivery does not matter',
    ({ history }) => {
      one(history, 'digest').hash = 'another';
    },
  ],
  [
    'a change is not delivered',
    'cursors advance',
    ({ history }) => {
      // Of a client that goes on: one that was killed may have missed its last ones.
      const { proc } = one(history, 'digest');
      without(
        history,
        last(history, 'change', (event) => event.proc === proc),
      );
    },
  ],
  [
    'two changes are delivered the wrong way round',
    'cursors advance',
    ({ history }) => {
      const first = one(history, 'change');
      const second = one(history, 'change', ({ proc, change }) => proc === first.proc && change !== first.change);
      [first.change, second.change] = [second.change ?? 0, first.change ?? 0];
    },
  ],
  [
    'a cursor is ahead of the log',
    'cursors advance',
    ({ state }) => {
      state.head--;
    },
  ],
  ['a piece is lost in the middle', 'streams are prefixes', ({ history }) => without(history, one(history, 'append'))],
  [
    'a piece is forged on its way',
    'streams are prefixes',
    ({ history }) => {
      one(history, 'piece').hash = 'forged';
    },
  ],
  [
    'a stream is never ended',
    'streams are prefixes',
    ({ state }) => {
      for (const message of state.messages) if (message.streamed !== null) message.status = 'streaming';
    },
  ],
  [
    'a complete stream is cut short',
    'streams are prefixes',
    ({ state }) => {
      for (const message of state.messages) if (message.streamed !== null) message.streamed = '';
    },
  ],
  [
    'two lead in one epoch',
    'epochs rise',
    ({ history }) => {
      history.push({ ...last(history, 'leader'), instance: uuid() });
    },
  ],
  [
    'an old leader comes back',
    'epochs rise',
    ({ history }) => {
      const leader = last(history, 'leader');
      history.push({ ...leader, epoch: (leader.epoch ?? 0) - 1 });
    },
  ],
  [
    'an operation hangs',
    'operations end',
    ({ history }) => {
      one(history, 'add').took = 31_000;
    },
  ],
  [
    'a refusal gives no reason',
    'operations end',
    ({ history }) => {
      for (const event of history) if (event.result === 'fail') event.reason = 'unexpected';
    },
  ],
  ['the file is damaged', 'sound file', ({ state }) => state.problems.push('row missing from index')],
  [
    'one replica stays behind',
    'convergence',
    ({ history }) => {
      one(history, 'digest').hash = 'another';
    },
  ],
  [
    'a replica takes too long',
    'convergence',
    ({ history }) => {
      one(history, 'digest').mono += 31_000;
    },
  ],
  ['two descriptors are kept', 'resources are returned', (mutant) => leak(mutant, 'descriptors', 2)],
  ['two timers are kept', 'resources are returned', (mutant) => leak(mutant, 'timers', 2)],
  ['a listener is kept for every message', 'resources are returned', (mutant) => leak(mutant, 'listeners', 20)],
  ['a socket is left', 'resources are returned', ({ history }) => void remains(history).sockets.push('0.sock')],
  [
    'a dead window stays registered',
    'resources are returned',
    ({ history }) => void remains(history).peers.push(uuid()),
  ],
  [
    'the write-ahead log is left',
    'resources are returned',
    ({ history }) => {
      remains(history).logSize = 32;
    },
  ],
];

describe('checker of histories', () => {
  let clean: Case;
  before(async () => {
    clean = await record();
  });

  it('finds nothing in a clean history', () => {
    assert.deepEqual(check(clean.history, clean.state), []);
  });

  for (const [what, invariant, mutate] of mutants) {
    it(`notices by “${invariant}” that ${what}`, () => {
      const mutant = structuredClone(clean);
      mutate(mutant);
      const found = check(mutant.history, mutant.state).map((finding) => finding.invariant);
      assert.ok(found.includes(invariant), `found by: ${found.join(', ') || 'nothing'}`);
    });
  }
});
