import assert from 'node:assert/strict';
import fc from 'fast-check';
import { v7 as uuid } from 'uuid';
import { appendChanges, changeHead, changesAfter, pruneChanges } from '../../../src/store/changeLog.ts';
import { listConversations, renameConversation } from '../../../src/store/conversations.ts';
import type { Database } from '../../../src/store/database.ts';
import { addTestMessage, createTestConversation, origin, useDatabases } from '../../support/database.ts';
import { runs } from '../properties.ts';

/** Logs one transaction with so many entries; answers the id of its last one. */
function logTransaction(db: Database, length: number): Promise<number> {
  return db.write(() => {
    const entry = { changeType: 'MessageUpdated' as const, conversationId: uuid(), revision: 1 };
    appendChanges(db, Array(length).fill(entry), origin);
    return changeHead(db);
  });
}

describe('change log', () => {
  const databases = useDatabases();

  it('tells a change as it was logged, with the conversation as it is now', async () => {
    const db = await databases.open();
    const { id } = await createTestConversation(db, 'First');
    const message = await addTestMessage(db, id, 'text');
    await renameConversation(db, origin, id, 'Second');
    const page = changesAfter(db, 1, 1);
    const change = { id: 2, changeType: 'MessageAdded', conversationId: id, messageId: message.id, seq: 1 };
    assert.deepEqual(page, {
      changes: [{ ...change, newTitle: null, originInstanceId: origin }],
      conversations: listConversations(db, true).conversations,
      pruned: false,
      head: 3,
    });
    assert.equal(page.conversations[0]?.title, 'Second');
    const [renamed] = changesAfter(db, 2, 9).changes;
    assert.deepEqual([renamed?.changeType, renamed?.newTitle], ['ConversationTitleUpdated', 'Second']);
  });

  it('is told in pages that never cut a transaction, whatever their size', async () => {
    const db = await databases.open();
    const scenario = fc.record({
      transactions: fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 8 }),
      limits: fc.infiniteStream(fc.integer({ min: 1, max: 9 })),
    });
    await fc.assert(
      fc.asyncProperty(scenario, async ({ transactions, limits }) => {
        const start = db.read(() => changeHead(db));
        const ends: number[] = [];
        for (const length of transactions) ends.push(await logTransaction(db, length));
        const told: number[] = [];
        for (const limit of limits) {
          const { changes, head, pruned } = changesAfter(db, told.at(-1) ?? start, limit);
          assert.deepEqual([head, pruned], [ends.at(-1), false]);
          const last = changes.at(-1);
          if (!last) break;
          assert.ok(ends.includes(last.id), 'a page ends where a transaction ends');
          const beforeLast = ends.filter((end) => end < last.id && end > (told.at(-1) ?? start)).at(-1);
          const length = beforeLast === undefined ? 0 : beforeLast - (told.at(-1) ?? start);
          assert.ok(length < limit, 'a page takes no transaction more than it must');
          told.push(...changes.map(({ id }) => id));
        }
        assert.deepEqual(
          told,
          Array.from({ length: (ends.at(-1) ?? 0) - start }, (_, index) => start + index + 1),
        );
      }),
      // Each run waits for the disk at several commits.
      runs(200),
    );
  });

  it('is told in one page of 250 where 1,000 entries are one transaction', async () => {
    const db = await databases.open();
    for (const length of [1, 1000, 1]) await logTransaction(db, length);
    const lengths = [0, 1001, 1002].map((cursor) => changesAfter(db, cursor, 250).changes.length);
    assert.deepEqual(lengths, [1001, 1, 0]);
  });

  it('says when what follows the cursor was pruned', async () => {
    const db = await databases.open();
    for (let count = 0; count < 5; count++) await logTransaction(db, 1);
    await db.write(() => {
      db.sql('DELETE FROM change_log WHERE id <= 3').run();
      db.sql(`UPDATE meta SET value = 3 WHERE key = 'pruned_through'`).run();
    });
    assert.deepEqual(changesAfter(db, 2, 9), { changes: [], conversations: [], pruned: true, head: 5 });
    assert.deepEqual(
      changesAfter(db, 3, 9).changes.map(({ id }) => id),
      [4, 5],
    );
    assert.equal(changesAfter(db, 3, 9).pruned, false);
  });

  it('is pruned up to a change, which is on record from then on', async () => {
    const db = await databases.open();
    for (const length of [1, 2, 1]) await logTransaction(db, length);
    const tomorrow = Date.now() + 86_400_000;
    assert.equal(await db.write(() => pruneChanges(db, 0, 3)), 0);
    assert.equal(await db.write(() => pruneChanges(db, tomorrow, 3)), 3);
    assert.deepEqual(
      [0, 2, 3].map((cursor) => changesAfter(db, cursor, 9).pruned),
      [true, true, false],
    );
    assert.equal(await db.write(() => pruneChanges(db, tomorrow, 4)), 1);
    assert.deepEqual(
      [3, 4].map((cursor) => changesAfter(db, cursor, 9).pruned),
      [true, false],
    );
  });

  it('says so too when the cursor lies beyond everything that was ever logged', async () => {
    const db = await databases.open();
    assert.deepEqual(changesAfter(db, 1, 9), { changes: [], conversations: [], pruned: true, head: 0 });
    await logTransaction(db, 2);
    assert.equal(changesAfter(db, 3, 9).pruned, true);
    assert.equal(changesAfter(db, 2, 9).pruned, false);
  });

  it('knows its newest id when all of it was pruned', async () => {
    const db = await databases.open();
    await logTransaction(db, 4);
    await db.write(() => db.sql('DELETE FROM change_log').run());
    assert.equal(
      db.read(() => changeHead(db)),
      4,
    );
    assert.deepEqual(changesAfter(db, 4, 9), { changes: [], conversations: [], pruned: false, head: 4 });
    await logTransaction(db, 2);
    assert.deepEqual(
      changesAfter(db, 4, 1).changes.map(({ id }) => id),
      [5, 6],
    );
  });

  it('reads its head and what it describes in one moment', async () => {
    const db = await databases.open();
    const other = await databases.open();
    await createTestConversation(db);
    const { id } = await createTestConversation(other);
    let written: Promise<unknown> = Promise.resolve();
    const [before, after] = db.read(() => {
      const first = changeHead(db);
      databases.raw().exec(`UPDATE sqlite_sequence SET seq = 50 WHERE name = 'change_log'`);
      written = addTestMessage(other, id, 'text');
      return [first, changeHead(db)];
    });
    assert.deepEqual([before, after, db.read(() => changeHead(db))], [2, 2, 50]);
    await written;
  });
});
