import assert from 'node:assert/strict';
import { mkdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { mock } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import Sqlite from 'better-sqlite3';
import { appendChanges, changesAfter } from '../../../src/store/changeLog.ts';
import { listConversations } from '../../../src/store/conversations.ts';
import { Database, MAX_LOG } from '../../../src/store/database.ts';
import { messageRange } from '../../../src/store/messages.ts';
import { readMark } from '../../../src/store/recovery/highWaterMark.ts';
import { SCHEMA_VERSION } from '../../../src/store/schema.ts';
import {
  addTestMessage,
  changeTypes,
  createTestConversation,
  hasReason,
  origin,
  useDatabases,
} from '../../support/database.ts';

describe('opening of a database', () => {
  const databases = useDatabases();

  it('waits while another window holds the lock, at whatever moment that takes it', async () => {
    const { prepare, pragma } = Sqlite.prototype;
    for (let locked = 0, isLocked = true; isLocked; locked++) {
      const path = join(databases.directory.path, `${locked}`, 'chat.db');
      mkdirSync(dirname(path));
      const other = new Sqlite(path, { timeout: 0 });
      let steps = 0;
      const step = () => {
        if (steps++ !== locked || other.inTransaction) return;
        try {
          other.exec('BEGIN EXCLUSIVE');
          setImmediate(() => other.exec('COMMIT'));
        } catch {
          // Then it is this window that holds the lock.
        }
      };
      mock.method(Sqlite.prototype, 'prepare', function (this: Sqlite.Database, text: string) {
        step();
        return prepare.call(this, text);
      });
      mock.method(Sqlite.prototype, 'pragma', function (this: Sqlite.Database, text: string, options: object) {
        step();
        return pragma.call(this, text, options);
      });
      try {
        await (await Database.open(path, () => [])).close();
      } finally {
        mock.restoreAll();
      }
      isLocked = steps > locked;
      // Now the lock is gone.
      await nextTurn();
      other.close();
    }
  }).timeout(30_000);
});

describe('write to the database', () => {
  const databases = useDatabases();

  const titles = (db: Database) => listConversations(db, true).conversations.map(({ title }) => title);

  it('comes after all writes asked for before', async () => {
    const db = await databases.open();
    const { id: conversationId } = await createTestConversation(db);
    const contents = Array.from({ length: 50 }, (_, index) => `${index}`);
    await Promise.all(contents.map((content) => addTestMessage(db, conversationId, content)));
    const { messages } = messageRange(db, { conversationId, fromSeq: 1, toSeq: 50 });
    assert.deepEqual(
      messages.map(({ content }) => content),
      contents,
    );
  });

  it('is waited for until it is on the disk, and then acknowledged, unless it may be repeated', async () => {
    const db = await databases.open();
    const added = (title: string) => () => {
      appendChanges(db, [{ changeType: 'ConversationCreated', conversationId: title, revision: 1 }], origin);
      return db.sql('PRAGMA synchronous').pluck().get();
    };
    const acknowledged = () => readMark(databases.path)?.changeId;
    const [normal, full] = [1, 2];
    assert.deepEqual([await db.write(added('a')), acknowledged()], [full, 1]);
    assert.deepEqual([await db.write(added('b'), { isRepeatable: true }), acknowledged()], [normal, 1]);
    const failing = db.write(() => assert.fail('in the middle'), { isRepeatable: true });
    await assert.rejects(failing, /in the middle/);
    assert.deepEqual([await db.write(added('c')), acknowledged()], [full, 3]);
  });

  it('is undone as a whole when it fails, and the next one works', async () => {
    const db = await databases.open();
    const failing = db.write(() => {
      db.sql(`INSERT INTO conversations(id, title, source, created_at, updated_at) VALUES ('x', '', '', 0, 0)`).run();
      throw new Error('in the middle');
    });
    const next = createTestConversation(db, 'Next');
    await assert.rejects(failing, /in the middle/);
    await next;
    assert.deepEqual([titles(db), changeTypes(db)], [['Next'], ['ConversationCreated']]);
  });

  it('leaves a short log however much is written, while others read', async () => {
    const [db, reader] = [await databases.open(), await databases.open()];
    const { id: conversationId } = await createTestConversation(db);
    const long = 'x'.repeat(9_000_000);
    for (let seq = 1; seq <= 12; seq++) {
      await addTestMessage(db, conversationId, long);
      messageRange(reader, { conversationId, fromSeq: 1, toSeq: seq });
      changesAfter(reader, 0, 500);
    }
    assert.ok(statSync(`${databases.path}-wal`).size <= MAX_LOG);
    assert.equal(db.checkpoint(), 0);
  });

  it('waits while another connection writes', async () => {
    const db = await databases.open();
    const other = databases.raw();
    other.exec('BEGIN IMMEDIATE');
    let isDone = false;
    const write = createTestConversation(db, 'Patient').then(() => {
      isDone = true;
    });
    // One turn is enough for the first attempt, which blocks until it has found the database locked.
    await nextTurn();
    assert.equal(isDone, false);
    other.exec('COMMIT');
    await write;
    assert.deepEqual(titles(db), ['Patient']);
  });

  it('lets nobody commit between what it reads and what it writes', async () => {
    const db = await databases.open();
    const other = new Sqlite(databases.path, { timeout: 0 });
    databases.directory.defer(() => other.close());
    await db.write(() => {
      const before = titles(db);
      assert.throws(() => other.exec('DELETE FROM conversations'), /database is locked/);
      db.sql(`INSERT INTO conversations(id, title, source, created_at, updated_at) VALUES ('x', '', '', 0, 0)`).run();
      assert.deepEqual(titles(db), [...before, '']);
    });
  });

  it('makes no number known of a change that was rolled back, not even at the commit', async () => {
    const db = await databases.open();
    const { id } = await createTestConversation(db);
    const failing = db.write(() => {
      db.sql('PRAGMA defer_foreign_keys = ON').run();
      db.sql(`INSERT INTO streams(message_id, instance_id) VALUES ('missing', '')`).run();
      appendChanges(db, [{ changeType: 'MessageAdded', conversationId: id, revision: 1 }], origin);
    });
    await assert.rejects(failing, /FOREIGNKEY/);
    assert.deepEqual([db.newestChange, readMark(databases.path)?.changeId], [1, 1]);
    await createTestConversation(db);
    assert.equal(db.newestChange, 2);
  });

  it('gives up with a reason when the other never ends, and leaves the queue working', async () => {
    const db = await databases.open();
    const other = databases.raw();
    other.exec('BEGIN IMMEDIATE');
    const now = performance.now.bind(performance);
    let skipped = 0;
    const clock = mock.method(performance, 'now', () => now() + skipped);
    try {
      const write = createTestConversation(db);
      await nextTurn();
      skipped = 60_000;
      await assert.rejects(write, hasReason('busy'));
    } finally {
      clock.mock.restore();
    }
    other.exec('COMMIT');
    await createTestConversation(db, 'Next');
    assert.deepEqual(titles(db), ['Next']);
  });

  it('is told from reading: another connection’s commit changes the data version, an own one does not', async () => {
    const db = await databases.open();
    const before = db.dataVersion();
    await createTestConversation(db);
    assert.equal(db.dataVersion(), before);
    await createTestConversation(await databases.open());
    assert.notEqual(db.dataVersion(), before);
  });

  it('is finished before the file is closed', async () => {
    const db = await databases.open();
    const writes = ['a', 'b', 'c'].map((title) => createTestConversation(db, title));
    await db.close();
    await Promise.all(writes);
    assert.equal(databases.raw().prepare('SELECT count(*) FROM conversations').pluck().get(), 3);
  });

  it('is refused as soon as a newer version has taken over, though it was allowed before', async () => {
    const db = await databases.open();
    await createTestConversation(db, 'Before');
    databases.raw().exec(`UPDATE meta SET value = '${SCHEMA_VERSION + 1}' WHERE key = 'min_writer'`);
    await assert.rejects(createTestConversation(db, 'After'), hasReason('newer-database'));
    assert.deepEqual(titles(db), ['Before']);
  });
});
