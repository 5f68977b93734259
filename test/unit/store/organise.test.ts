import assert from 'node:assert/strict';
import fc from 'fast-check';
import { v7 as uuid } from 'uuid';
import type { Role } from '../../../src/protocol/model.ts';
import { branchConversation } from '../../../src/store/branch.ts';
import { changesAfter } from '../../../src/store/changeLog.ts';
import {
  createConversation,
  deleteConversation,
  deleteConversations,
  listConversations,
  markRead,
  renameConversation,
  restoreConversation,
  restoreConversations,
  updateConversation,
} from '../../../src/store/conversations.ts';
import type { Database } from '../../../src/store/database.ts';
import { touchConversation } from '../../../src/store/ingestMessages.ts';
import { deleteMessage, updateMessage } from '../../../src/store/messages.ts';
import { purgeConversations, purgeDue } from '../../../src/store/purge.ts';
import {
  addTestMessage,
  changeTypes,
  createTestConversation,
  hasReason,
  origin,
  useDatabases,
} from '../../support/database.ts';

const roles: Role[] = ['user', 'assistant', 'system', 'tool'];
const DAY = 24 * 3_600_000;

const listed = (db: Database, id: string) =>
  listConversations(db, true).conversations.find((conversation) => conversation.id === id);

describe('order among conversations', () => {
  const databases = useDatabases();

  it('is pinned, archived and tagged, without counting as activity', async () => {
    const db = await databases.open();
    const before = await createTestConversation(db);
    const conversationId = before.id;
    const update = (changes: object) => updateConversation(db, origin, { conversationId, ...changes });
    const pinned = await update({ pinned: true });
    assert.ok(pinned.pinnedAt !== null && pinned.archivedAt === null);
    const tagged = await update({ archived: true, tags: ['one', 'two'] });
    assert.ok(tagged.archivedAt !== null);
    assert.deepEqual([tagged.tags, tagged.pinnedAt, tagged.revision], [['one', 'two'], pinned.pinnedAt, 3]);
    assert.deepEqual(await update({ pinned: false, archived: false, tags: [] }), { ...before, revision: 4 });
    assert.deepEqual(changeTypes(db), ['ConversationCreated', ...Array(3).fill('ConversationUpdated')]);
    assert.deepEqual(listed(db, conversationId), { ...before, revision: 4 });
  });

  it('logs nothing when it is so already, and is not changed in the bin', async () => {
    const db = await databases.open();
    const { id: conversationId } = await createTestConversation(db);
    const ordered = { conversationId, pinned: true, archived: true, tags: ['a'] };
    const first = await updateConversation(db, origin, ordered);
    assert.deepEqual(await updateConversation(db, origin, ordered), first);
    assert.deepEqual(await updateConversation(db, origin, { conversationId }), first);
    assert.equal(changeTypes(db).length, 2);
    await deleteConversation(db, origin, conversationId);
    await assert.rejects(updateConversation(db, origin, ordered), hasReason('deleted'));
    assert.deepEqual((await restoreConversation(db, origin, conversationId)).tags, ['a']);
  });

  it('shows a row whose tags are damaged without any', async () => {
    const db = await databases.open();
    const { id } = await createTestConversation(db);
    databases.raw().exec(`UPDATE conversations SET tags = '["half'`);
    assert.deepEqual(listed(db, id)?.tags, []);
  });
});

describe('bin', () => {
  const databases = useDatabases();

  it('takes several conversations in one transaction of the log, or none of them', async () => {
    const db = await databases.open();
    const ids: string[] = [];
    for (const title of ['a', 'b', 'c']) ids.push((await createTestConversation(db, title)).id);
    const [, second = ''] = ids;
    await deleteConversation(db, origin, second);
    const deleted = await deleteConversations(db, origin, ids);
    assert.deepEqual(
      deleted.map(({ id, deletedAt, revision }) => [id, deletedAt !== null, revision]),
      ids.map((id) => [id, true, 2]),
    );
    // A page that cut the transaction would end after the first of its entries.
    const { changes } = changesAfter(db, 4, 1);
    assert.deepEqual(
      changes.map(({ changeType, conversationId }) => [changeType, conversationId]),
      [ids[0], ids[2]].map((id) => ['ConversationDeleted', id]),
    );
    const before = changeTypes(db);
    await assert.rejects(restoreConversations(db, origin, [...ids, uuid()]), hasReason('not-found'));
    assert.deepEqual(changeTypes(db), before);
    assert.equal((await restoreConversations(db, origin, ids)).filter(({ deletedAt }) => deletedAt === null).length, 3);
  });
});

describe('unread messages', () => {
  const databases = useDatabases();

  it('are those of others after the last one read; who answers has read all before', async () => {
    const db = await databases.open();
    const { id } = await createTestConversation(db);
    const unread = () => listed(db, id)?.unread;
    await addTestMessage(db, id, 'question');
    assert.equal(unread(), 0);
    const answer = await addTestMessage(db, id, 'answer', 'assistant');
    await addTestMessage(db, id, 'result', 'tool');
    assert.equal(unread(), 2);
    // What stands between was not read, so the next question does not make it so.
    await addTestMessage(db, id, 'next question');
    assert.equal(unread(), 3);
    await deleteMessage(db, origin, answer.id);
    assert.equal(unread(), 2);
    await markRead(db, origin, id);
    await addTestMessage(db, id, 'another question');
    assert.deepEqual([unread(), listed(db, id)?.lastReadSeq], [0, 5]);
    const { id: gone } = await addTestMessage(db, id, 'gone', 'assistant');
    await deleteMessage(db, origin, gone);
    await addTestMessage(db, id, 'and on');
    assert.deepEqual([unread(), listed(db, id)?.lastReadSeq], [0, 7]);
  });

  it('equal what a count of the rows says, whatever happens', async () => {
    const db = await databases.open();
    const step = fc.record({
      what: fc.constantFrom('add', 'remove', 'read'),
      role: fc.constantFrom(...roles),
      at: fc.nat(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 15 }), async (steps) => {
        const { id } = await createTestConversation(db);
        for (const { what, role, at } of steps) {
          const lastSeq = listed(db, id)?.lastSeq ?? 0;
          if (what === 'add' || lastSeq === 0) await addTestMessage(db, id, 'text', role);
          else if (what === 'read') await markRead(db, origin, id, (at % lastSeq) + 1);
          else {
            const find = db.sql('SELECT id FROM messages WHERE conversation_id = ? AND seq = ?').pluck();
            await deleteMessage(db, origin, String(find.get(id, (at % lastSeq) + 1)));
          }
        }
        const count = db.sql(
          `SELECT count(*) FROM messages m JOIN conversations c ON c.id = m.conversation_id
           WHERE c.id = ? AND m.seq > c.last_read_seq AND m.deleted_at IS NULL`,
        );
        assert.equal(listed(db, id)?.unread, count.pluck().get(id));
      }),
      { numRuns: 60 },
    );
  });

  it('are none of what an agent had written before anybody looked, and all it writes live', async () => {
    const db = await databases.open();
    const { id } = await createTestConversation(db);
    const touch = (lastSeq: number, isLive: boolean) =>
      db.write(() => touchConversation(db, { id, lastSeq, updatedAt: 0, title: 'Talk', titleBefore: 'Talk', isLive }));
    await touch(1000, false);
    assert.equal(listed(db, id)?.unread, 0);
    await touch(1002, true);
    assert.equal(listed(db, id)?.unread, 2);
    await touch(1003, false);
    assert.equal(listed(db, id)?.unread, 3);
  });
});

/** What can happen to a conversation, or to one of its messages. */
const mutations: Record<string, (db: Database, id: string, number: number) => Promise<unknown>> = {
  create: (db) => createConversation(db, origin, { title: 'New' }),
  rename: (db, id, number) => renameConversation(db, origin, id, `Title ${number}`),
  pin: (db, conversationId, number) => updateConversation(db, origin, { conversationId, pinned: number % 2 === 0 }),
  archive: (db, conversationId, number) =>
    updateConversation(db, origin, { conversationId, archived: number % 2 === 0 }),
  tag: (db, conversationId, number) => updateConversation(db, origin, { conversationId, tags: [`${number}`] }),
  remove: (db, id) => deleteConversation(db, origin, id),
  restore: (db, id) => restoreConversation(db, origin, id),
  purge: (db, id) => purgeConversations(db, origin, [id]),
  expire: (db) => purgeDue(db, origin, (body) => db.write(body), Date.now() + 31 * DAY),
  branch: (db, conversationId, throughSeq) => branchConversation(db, origin, { conversationId, throughSeq }),
  read: (db, id) => markRead(db, origin, id),
  add: (db, id, number) => addTestMessage(db, id, `text ${number}`, roles[number % roles.length]),
  update: (db, id, number) => updateMessage(db, origin, { messageId: newestMessage(db, id), content: `${number}` }),
  removeMessage: (db, id) => deleteMessage(db, origin, newestMessage(db, id)),
};

function newestMessage(db: Database, id: string): string {
  return String(db.sql('SELECT id FROM messages WHERE conversation_id = ? ORDER BY seq DESC').pluck().get(id) ?? id);
}

describe('a list of conversations and what was told since', () => {
  const databases = useDatabases();

  it('come to a fresh list, for every kind of mutation', async () => {
    const db = await databases.open();
    const step = fc.record({
      kind: fc.constantFrom(...Object.keys(mutations)),
      which: fc.nat(),
      number: fc.nat({ max: 9 }),
    });
    const seen = new Set<string>();
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 20 }), fc.integer({ min: 1, max: 5 }), async (steps, limit) => {
        await createTestConversation(db);
        const start = listConversations(db, true);
        const rows = new Map(start.conversations.map((row) => [row.id, row]));
        for (const { kind, which, number } of steps) {
          const { conversations } = listConversations(db, true);
          const id = conversations[which % Math.min(conversations.length, 4)]?.id ?? '';
          // What is in the bin, or nowhere, refuses most changes.
          await mutations[kind]?.(db, id, number).catch(() => undefined);
        }
        for (let cursor = start.lastChangeId; ; ) {
          const page = changesAfter(db, cursor, limit);
          for (const row of page.conversations) {
            if ((rows.get(row.id)?.revision ?? 0) < row.revision) rows.set(row.id, row);
          }
          for (const { changeType } of page.changes) seen.add(changeType);
          cursor = page.changes.at(-1)?.id ?? page.head;
          if (cursor === page.head) break;
        }
        const held = [...rows.values()].filter(({ purgedAt }) => purgedAt === null);
        held.sort((a, b) => b.updatedAt - a.updatedAt || (a.id < b.id ? 1 : -1));
        assert.deepEqual(held, listConversations(db, true).conversations);
      }),
      { numRuns: 100 },
    );
    for (const kind of ['ConversationUpdated', 'ConversationPurged', 'ConversationCreated']) assert.ok(seen.has(kind));
  }).timeout(60_000);
});
