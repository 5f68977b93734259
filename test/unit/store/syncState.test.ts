import assert from 'node:assert/strict';
import Sqlite from 'better-sqlite3';
import fc from 'fast-check';
import { v7 as uuid } from 'uuid';
import type { Database } from '../../../src/store/database.ts';
import { addMessage, deleteMessage } from '../../../src/store/messages.ts';
import { migrate } from '../../../src/store/migrate.ts';
import { salvage } from '../../../src/store/recovery/salvage.ts';
import { heldRanges, recordValidation } from '../../../src/store/syncState.ts';
import { rebuildIndex, verify } from '../../../src/store/verify.ts';
import { toRanges } from '../../../src/sync/sequence.ts';
import { addTestMessage, createTestConversation, origin, useDatabases } from '../../support/database.ts';

const columns = `local_min_seq, local_max_seq, message_count, last_known_backend_seq, sync_state, last_validated_at`;

/** The sync state of every conversation, as it is stored. */
function syncStates(db: Pick<Database, 'sql'>): unknown[] {
  return db.sql(`SELECT ${columns} FROM chat_sync_state ORDER BY conversation_id`).raw().all();
}

describe('sync state of a conversation', () => {
  const databases = useDatabases();

  async function setUp(count: number) {
    const db = await databases.open();
    const { id } = await createTestConversation(db);
    for (let index = 0; index < count; index++) await addTestMessage(db, id, `text ${index}`);
    return { db, id };
  }

  it('is kept with every message, and counts tombstones', async () => {
    const { db, id } = await setUp(2);
    assert.deepEqual(syncStates(db), [[1, 2, 2, 2, 'UNKNOWN', null]]);
    const message = await addTestMessage(db, id, 'three');
    await deleteMessage(db, origin, message.id);
    assert.deepEqual(syncStates(db), [[1, 3, 3, 3, 'UNKNOWN', null]]);
  });

  it('is not there without its message, nor changed by one that is stored already', async () => {
    const { db, id } = await setUp(1);
    const message = { conversationId: id, role: 'user' as const, id: uuid(), content: 'text' };
    await addMessage(db, origin, message);
    await addMessage(db, origin, message);
    const failing = db.write(() => {
      db.sql('UPDATE chat_sync_state SET message_count = 9').run();
      throw new Error('power loss');
    });
    await assert.rejects(failing, /power loss/);
    assert.deepEqual(syncStates(db), [[1, 2, 2, 2, 'UNKNOWN', null]]);
  });

  it('stays what validation found while messages are appended', async () => {
    const { db, id } = await setUp(2);
    await db.write(() => recordValidation(db, id, { state: 'SYNCED', expected: 2, now: 123 }));
    await addTestMessage(db, id, 'three');
    assert.deepEqual(syncStates(db), [[1, 3, 3, 3, 'SYNCED', 123]]);
  });

  it('is made from the messages where an older version left none', async () => {
    const { db, id } = await setUp(3);
    const forget = () => db.write(() => void db.sql('DELETE FROM chat_sync_state').run());
    await forget();
    await addTestMessage(db, id, 'four');
    assert.deepEqual(syncStates(db), [[1, 4, 4, 4, 'UNKNOWN', null]]);
    await forget();
    await db.write(() => recordValidation(db, id, { state: 'OUT_OF_SYNC', expected: 5, now: 123 }));
    assert.deepEqual(syncStates(db), [[1, 4, 4, 5, 'OUT_OF_SYNC', 123]]);
    await forget();
    assert.deepEqual(await verify(db, origin, false), { problems: [], repaired: [] });
  });

  it('is found not to fit its messages, and counted anew', async () => {
    const { db, id } = await setUp(3);
    const problem = `The sync state of conversation ${id} does not fit its messages.`;
    for (const damage of ['message_count = 4', 'local_min_seq = NULL', 'local_max_seq = 2']) {
      databases.raw().exec(`UPDATE chat_sync_state SET sync_state = 'SYNCED', ${damage}`);
      assert.deepEqual(await verify(db, origin, false), { problems: [problem], repaired: [] });
      assert.deepEqual(await verify(db, origin, true), { problems: [], repaired: [problem] });
      assert.deepEqual(syncStates(db), [[1, 3, 3, 3, 'UNKNOWN', null]]);
    }
  });

  it('is there for every conversation of a rebuilt database', async () => {
    const { db, id } = await setUp(3);
    await createTestConversation(db, 'Empty');
    const raw = databases.raw();
    raw.prepare('DELETE FROM messages WHERE seq = 2').run();
    const target = new Sqlite(':memory:');
    migrate(target);
    const { lost } = await salvage(target, { file: [{ sqlite: raw, isSchemaGuessed: false }], backup: undefined }, 0);
    assert.equal(lost, 1);
    const rows = target.prepare(`SELECT ${columns} FROM chat_sync_state ORDER BY conversation_id <> ?`).raw().all(id);
    assert.deepEqual(rows, [
      [1, 3, 3, 3, 'UNKNOWN', null],
      [null, null, 0, 0, 'UNKNOWN', null],
    ]);
    target.close();
  });

  it('rests on the numbers that are held, whatever is missing', async () => {
    const { db, id } = await setUp(20);
    const remove = databases.raw().prepare('UPDATE messages SET seq = NULL WHERE conversation_id = ? AND seq = ?');
    const restore = databases.raw().prepare(`UPDATE messages SET seq = row_id`);
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 20 })), (missing) => {
        restore.run();
        for (const seq of missing) remove.run(id, seq);
        const held = Array.from({ length: 20 }, (_, index) => index + 1).filter((seq) => !missing.includes(seq));
        assert.deepEqual(heldRanges(db, id), toRanges(held));
      }),
    );
  });
});

describe('search index', () => {
  const databases = useDatabases();

  it('is made anew from the messages, however it was damaged', async () => {
    const db = await databases.open();
    const { id } = await createTestConversation(db);
    for (const text of ['one', 'two']) await addTestMessage(db, id, text);
    databases.raw().exec(`INSERT INTO message_index(message_index) VALUES ('delete-all')`);
    assert.equal(await rebuildIndex(db), 2);
    assert.deepEqual(await verify(db, origin, false), { problems: [], repaired: [] });
  });
});
