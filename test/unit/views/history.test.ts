import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Results } from '../../../src/protocol/rpc.ts';
import { branchConversation } from '../../../src/store/branch.ts';
import { changeHead, changesAfter } from '../../../src/store/changeLog.ts';
import {
  deleteConversation,
  listConversations,
  markRead,
  renameConversation,
  restoreConversation,
  updateConversation,
} from '../../../src/store/conversations.ts';
import type { Database } from '../../../src/store/database.ts';
import { deleteMessage, updateMessage } from '../../../src/store/messages.ts';
import { purgeConversations } from '../../../src/store/purge.ts';
import { History } from '../../../src/views/history.ts';
import { addTestMessage, createTestConversation, origin, useDatabases } from '../../support/database.ts';
import { FakeInstance } from '../../support/fakeInstance.ts';

const mutations: Record<string, (db: Database, id: string) => Promise<unknown>> = {
  create: (db) => createTestConversation(db, 'New'),
  rename: (db, id) => renameConversation(db, origin, id, `Title ${Math.random()}`),
  remove: (db, id) => deleteConversation(db, origin, id),
  restore: (db, id) => restoreConversation(db, origin, id),
  read: (db, id) => markRead(db, origin, id),
  add: (db, id) => addTestMessage(db, id, 'text'),
  update: async (db, id) =>
    updateMessage(db, origin, { messageId: newestMessage(db, id), content: `${Math.random()}` }),
  pin: (db, id) => updateConversation(db, origin, { conversationId: id, pinned: Math.random() < 0.5 }),
  archive: (db, id) => updateConversation(db, origin, { conversationId: id, archived: Math.random() < 0.5 }),
  tag: (db, id) => updateConversation(db, origin, { conversationId: id, tags: [`tag ${Math.random()}`] }),
  purge: (db, id) => purgeConversations(db, origin, [id]),
  branch: (db, id) => branchConversation(db, origin, { conversationId: id }),
  removeMessage: (db, id) => deleteMessage(db, origin, newestMessage(db, id)),
};

function newestMessage(db: Database, id: string): string {
  const query = db.sql('SELECT id FROM messages WHERE conversation_id = ? ORDER BY seq DESC').pluck();
  return String(query.get(id) ?? id);
}

type List = Results['conversation/list'];

/** A request for the list that waits for its answer, and the list if it was read already. */
interface Question {
  answer(): void;
  list?: List;
}

/** A history whose instance reads a real database, but answers and tells only when the test says so. */
class Window {
  readonly fake = new FakeInstance();
  readonly history: History;
  readonly #db: Database;
  #cursor: number;
  readonly #asked: Question[] = [];

  constructor(db: Database) {
    this.#db = db;
    this.#cursor = db.read(() => changeHead(db));
    this.fake.answer('conversation/list', () => {
      const { promise, resolve } = Promise.withResolvers<List>();
      const question: Question = { answer: () => resolve(question.list ?? listConversations(db, true)) };
      this.#asked.push(question);
      return promise;
    });
    this.history = new History(this.fake.client, () => undefined);
    this.fake.client.start();
  }

  /** Reads the list for the oldest question that waits, without answering yet. */
  readList(): void {
    const waiting = this.#asked.find(({ list }) => !list);
    if (waiting) waiting.list = listConversations(this.#db, true);
  }

  answerList(): boolean {
    const asked = this.#asked.shift();
    asked?.answer();
    return asked !== undefined;
  }

  /** Tells the next changes, about so many. */
  tell(limit: number): boolean {
    const { changes, conversations } = changesAfter(this.#db, this.#cursor, limit);
    this.#cursor = changes.at(-1)?.id ?? this.#cursor;
    if (changes.length > 0) this.fake.notify('change', { changes, conversations, messages: [] });
    return changes.length > 0;
  }

  reload(): void {
    this.fake.notify('reload', { reason: 'log-pruned', lastChangeId: 0 });
  }

  assertUpToDate(): void {
    const { conversations } = listConversations(this.#db, true);
    assert.deepEqual(
      this.history.live(),
      conversations.filter(({ deletedAt }) => deletedAt === null),
    );
    assert.deepEqual(
      this.history.deleted(),
      conversations.filter(({ deletedAt, purgedAt }) => deletedAt !== null && purgedAt === null),
    );
  }
}

describe('history of a window', () => {
  const databases = useDatabases();

  it('equals a fresh list whatever was told and read in which order', async () => {
    const db = await databases.open();
    await createTestConversation(db);
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom(...Object.keys(mutations)), which: fc.nat() }) },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant('tell'), which: fc.integer({ min: 1, max: 4 }) }) },
      {
        weight: 2,
        arbitrary: fc.record({ kind: fc.constantFrom('readList', 'answerList', 'reload'), which: fc.constant(0) }),
      },
    );
    const play = async (window: Window, kind: string, which: number) => {
      if (kind === 'tell') window.tell(which);
      else if (kind === 'readList') window.readList();
      else if (kind === 'answerList') window.answerList();
      else if (kind === 'reload') window.reload();
      else {
        const ids = listConversations(db, true).conversations.map(({ id }) => id);
        // What is in the bin refuses most changes.
        await mutations[kind]?.(db, ids[which % Math.min(ids.length, 4)] ?? '').catch(() => undefined);
      }
      await window.fake.settled();
    };
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const window = new Window(db);
        try {
          await window.fake.settled();
          for (const { kind, which } of steps) await play(window, kind, which);
          do await window.fake.settled();
          while (window.answerList() || window.tell(3));
          window.assertUpToDate();
        } finally {
          await window.fake.close();
        }
      }),
    );
  }).timeout(30_000);

  async function loaded(db: Database): Promise<Window> {
    const window = new Window(db);
    databases.directory.defer(() => window.fake.close());
    await window.fake.settled();
    window.answerList();
    await window.fake.settled();
    assert.ok(window.history.isLoaded);
    return window;
  }

  it('does not fall back behind changes that come while the list is read', async () => {
    const db = await databases.open();
    const { id } = await createTestConversation(db, 'Old');
    const window = await loaded(db);
    window.reload();
    await window.fake.settled();
    window.readList();
    await renameConversation(db, origin, id, 'New');
    await createTestConversation(db, 'Second');
    window.tell(10);
    await window.fake.settled();
    window.answerList();
    await window.fake.settled();
    window.assertUpToDate();
    assert.equal(window.history.get(id)?.title, 'New');
  });

  it('takes only the newest of two lists that are read at once', async () => {
    const db = await databases.open();
    const window = await loaded(db);
    window.reload();
    await window.fake.settled();
    window.readList();
    await createTestConversation(db, 'Between');
    window.reload();
    await window.fake.settled();
    window.readList();
    let reloads = 0;
    window.history.events.on('reloaded', () => reloads++);
    window.answerList();
    window.answerList();
    await window.fake.settled();
    window.assertUpToDate();
    assert.equal(reloads, 1);
  });

  it('forgets what is not there any more when everything is read anew', async () => {
    const db = await databases.open();
    const { id } = await createTestConversation(db);
    const window = await loaded(db);
    assert.ok(window.history.get(id));
    await db.write(() => db.sql('DELETE FROM conversations').run());
    window.reload();
    await window.fake.settled();
    window.answerList();
    await window.fake.settled();
    assert.equal(window.history.get(id), undefined);
    window.assertUpToDate();
  });

  it('tells its listeners what changed, after it has applied it', async () => {
    const db = await databases.open();
    const window = await loaded(db);
    const { id } = await createTestConversation(db, 'New');
    const seen: (string | undefined)[] = [];
    window.history.events.on('changes', ([change]) => seen.push(change?.changeType, window.history.get(id)?.title));
    window.history.events.on('updated', () => seen.push('updated'));
    window.tell(1);
    await window.fake.settled();
    assert.deepEqual(seen, ['ConversationCreated', 'New', 'updated']);
  });

  it('takes rows of answers at once, but no older ones', async () => {
    const db = await databases.open();
    const created = await createTestConversation(db, 'Old');
    const window = await loaded(db);
    window.history.apply(await renameConversation(db, origin, created.id, 'New'));
    window.history.apply(created);
    assert.equal(window.history.get(created.id)?.title, 'New');
    window.tell(10);
    await window.fake.settled();
    window.assertUpToDate();
  });
});
