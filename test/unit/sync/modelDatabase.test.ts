import assert from 'node:assert/strict';
import { join } from 'node:path';
import fc from 'fast-check';
import { databaseSyncStore } from '../../../src/instance/databaseSyncStore.ts';
import {
  createConversation,
  deleteConversation,
  renameConversation,
  restoreConversation,
} from '../../../src/store/conversations.ts';
import { Database } from '../../../src/store/database.ts';
import { addMessage, deleteMessage, updateMessage } from '../../../src/store/messages.ts';
import type { StreamOwner } from '../../../src/store/streams.ts';
import type { FeedPage } from '../../../src/sync/changeFeed.ts';
import type { SyncStore } from '../../../src/sync/syncStore.ts';
import { ModelDatabase } from '../../simulation/database.ts';
import { useTempDirectory } from '../../support/tempDirectory.ts';
import { runs } from '../properties.ts';

const DAY = 24 * 3_600_000;
const instances = ['instance-0', 'instance-1'];

/** One step: who does what to which conversation and message, with which text or number. */
interface Step {
  what: keyof typeof steps;
  who: number;
  where: number;
  number: number;
}

interface Pair {
  db: Database;
  stores: SyncStore[];
  model: ModelDatabase;
}

type Both = [real: () => unknown, model: () => unknown];

const nothing: Both = [() => undefined, () => undefined];

/** What the product does to the database, and the same in the model. */
const steps = {
  create: ({ db, model }: Pair, self: string, { where }: Step): Both => [
    () => createConversation(db, self, { id: `c${where}`, title: 'x' }),
    () => model.conversations.get(`c${where}`) ?? model.createConversation(self, `c${where}`, 'x'),
  ],
  rename: ({ db, model }: Pair, self: string, { where, number }: Step): Both => [
    () => renameConversation(db, self, `c${where}`, `t${number}`),
    () => model.renameConversation(self, `c${where}`, `t${number}`),
  ],
  bin: ({ db, model }: Pair, self: string, { where }: Step): Both => [
    () => deleteConversation(db, self, `c${where}`),
    () => model.binConversation(self, `c${where}`, true),
  ],
  restore: ({ db, model }: Pair, self: string, { where }: Step): Both => [
    () => restoreConversation(db, self, `c${where}`),
    () => model.binConversation(self, `c${where}`, false),
  ],
  add: ({ db, model }: Pair, self: string, { where }: Step): Both => {
    const [conversationId, id] = [`c${where}`, `m${model.head}`];
    return [
      () => addMessage(db, self, { conversationId, id, role: 'user', content: 'x' }),
      () => model.addMessages(self, conversationId, [{ id, content: 'x' }]),
    ];
  },
  update: ({ db, model }: Pair, self: string, { number }: Step): Both => [
    () => updateMessage(db, self, { messageId: `m${number}`, content: 'y' }),
    () => model.updateMessage(self, `m${number}`, 'y'),
  ],
  remove: ({ db, model }: Pair, self: string, { number }: Step): Both => [
    () => deleteMessage(db, self, `m${number}`),
    () => (model.messages.get(`m${number}`)?.deletedAt ? undefined : model.deleteMessage(self, `m${number}`)),
  ],
  begin: ({ stores, model }: Pair, self: string, { who, where }: Step): Both => {
    const [conversationId, id] = [`c${where}`, `m${model.head}`];
    return [
      () => stores[who]?.streams.begin({ conversationId, id, role: 'user' }),
      () => model.beginStream(self, conversationId, id),
    ];
  },
  checkpoint: ({ stores, model }: Pair, self: string, { who, number }: Step): Both => {
    const id = `m${number}`;
    return [() => stores[who]?.streams.checkpoint(id, 'z'), () => model.checkpointStream(self, id, 'z')];
  },
  end: ({ stores, model }: Pair, self: string, { who, number }: Step): Both => [
    () => stores[who]?.streams.end({ messageId: `m${number}`, content: 'zz', status: 'complete' }),
    () => model.endStream(self, `m${number}`, 'zz', 'complete'),
  ],
  takeOver: ({ stores, model }: Pair, self: string, { who, number }: Step): Both => {
    const seen = Math.max(0, model.leader.epoch - (number % 2));
    return [() => stores[who]?.leader.takeOver(seen), () => model.takeOver(self, seen)];
  },
  interrupt: ({ stores, model }: Pair, _: string, { who }: Step): Both => {
    const { leader } = model;
    if (leader.epoch === 0) return nothing;
    const owner = instances[who] ?? '';
    // The change is the leader's own, whoever asks.
    return [
      () => stores[instances.indexOf(leader.instanceId)]?.streams.interrupt(leader, owner),
      () => model.interruptStreams(leader.instanceId, owner),
    ];
  },
  prune: ({ stores, model }: Pair, _: string, { number }: Step): Both => {
    const { leader } = model;
    if (leader.epoch === 0) return nothing;
    const before = Date.now() + DAY;
    return [() => stores[0]?.changes.prune(leader, before, number), () => model.prune(before, number)];
  },
};

const kinds = Object.keys(steps) as (keyof typeof steps)[];

/** How something ends: what it returns that both must agree in, or why it fails. */
async function outcomeOf(action: () => unknown): Promise<unknown> {
  try {
    const result = await action();
    return typeof result === 'number' ? result : 'done';
  } catch (error) {
    return (error as { reason?: unknown }).reason;
  }
}

const byId = <T extends { id: string }>(rows: readonly T[]) => rows.toSorted((a, b) => (a.id < b.id ? -1 : 1));

const ownersOf = (owners: readonly StreamOwner[]) => owners.toSorted((a, b) => (a.instanceId < b.instanceId ? -1 : 1));

/** A page without the times of its rows. */
function timeless({ changes, conversations, messages, pruned, head }: FeedPage) {
  const rows = [...byId(conversations), ...byId(messages)].map(({ createdAt, updatedAt, deletedAt, ...row }) => ({
    ...row,
    isDeleted: deletedAt !== null,
  }));
  return { changes, rows, pruned, head };
}

describe('database of the simulation', () => {
  const directory = useTempDirectory();

  it('does and answers what SQLite does', async () => {
    const step = fc.record<Step>({
      what: fc.constantFrom(...kinds),
      who: fc.nat({ max: 1 }),
      where: fc.nat({ max: 1 }),
      number: fc.nat({ max: 20 }),
    });
    let run = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 20, maxLength: 60 }),
        fc.integer({ min: 1, max: 9 }),
        async (all, limit) => {
          const db = await Database.open(join(directory.path, `${++run}`, 'chat.db'), () => []);
          const stores = instances.map((self) => databaseSyncStore(db, self, () => undefined, assert.fail));
          const pair: Pair = { db, stores, model: new ModelDatabase('secret', () => Date.now()) };
          await doBoth(pair, [{ what: 'create', who: 0, where: 0, number: 0 }, ...all]);
          compare(pair, limit);
          await db.close();
        },
      ),
      // Each run makes a database.
      runs(100),
    );
  }).timeout(60_000);
});

async function doBoth(pair: Pair, all: readonly Step[]): Promise<void> {
  for (const one of all) {
    const [real, model] = steps[one.what](pair, instances[one.who] ?? '', one);
    assert.deepEqual(await outcomeOf(model), await outcomeOf(real), JSON.stringify(one));
  }
}

/** Everything that the sync logic reads is the same, from whatever change on it is asked for. */
function compare({ stores: [store], model }: Pair, limit: number): void {
  assert.ok(store);
  for (let cursor = 0; cursor <= model.head + 1; cursor++) {
    assert.deepEqual(timeless(model.changesAfter(cursor, limit)), timeless(store.changes.after(cursor, limit)));
  }
  assert.deepEqual(model.leader, store.leader.read());
  assert.deepEqual(ownersOf(model.streamOwners), ownersOf(store.streams.owners()));
}
