import assert from 'node:assert/strict';
import { readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { mock } from 'node:test';
import { describe, it } from 'mocha';
import { DevChatError } from '../../../src/protocol/errors.ts';
import { openHistory } from '../../../src/store/recovery/openHistory.ts';
import { recover } from '../../../src/store/recovery/recover.ts';
import { searchMessages } from '../../../src/store/search.ts';
import { verify } from '../../../src/store/verify.ts';
import {
  addTestMessage,
  changeTypes,
  createTestConversation,
  hasReason,
  origin,
  useDatabases,
} from '../../support/database.ts';

const unfit = 'The search index does not fit the messages.';

describe('verification', () => {
  const databases = useDatabases();

  async function damaged(sql: string) {
    const db = await databases.open();
    const { id } = await createTestConversation(db);
    for (const text of ['one', 'two', 'three']) await addTestMessage(db, id, text);
    assert.deepEqual(await verify(db, origin, false), { problems: [], repaired: [] });
    const raw = databases.raw();
    raw.pragma('foreign_keys = OFF');
    raw.exec(sql);
    return { db, id };
  }

  it('names a message that is missing, and cannot bring it back', async () => {
    const { db, id } = await damaged('DELETE FROM messages WHERE seq = 2');
    const expected = `Conversation ${id} holds 2 of its 3 messages.`;
    assert.ok((await verify(db, origin, false)).problems.includes(expected));
    assert.ok((await verify(db, origin, true)).problems.includes(expected));
  });

  it('mends a newest number that is behind', async () => {
    const { db, id } = await damaged('UPDATE conversations SET last_seq = 1');
    const problem = `Conversation ${id} holds message 3, but says that its newest is 1.`;
    assert.deepEqual(await verify(db, origin, false), { problems: [problem], repaired: [] });
    assert.deepEqual(await verify(db, origin, true), { problems: [], repaired: [problem] });
  });

  it('mends a search index that does not fit', async () => {
    const { db } = await damaged(`INSERT INTO message_index(message_index) VALUES ('delete-all')`);
    const { problems, repaired } = await verify(db, origin, true);
    assert.deepEqual(problems, []);
    assert.ok(repaired.includes(unfit));
    assert.deepEqual(await verify(db, origin, false), { problems: [], repaired: [] });
  });

  it('mends indexes and triggers that are missing, and the search that was without them', async () => {
    const { db, id } = await damaged('DROP INDEX ingest_unknown_by_kind; DROP TRIGGER message_index_insert');
    await addTestMessage(db, id, 'unfindable');
    const problems = [
      'The trigger message_index_insert is missing.',
      'The index ingest_unknown_by_kind is missing.',
      unfit,
    ];
    assert.deepEqual(await verify(db, origin, false), { problems, repaired: [] });
    assert.deepEqual(searchMessages(db, { query: 'unfindable', limit: 1 }).hits, []);
    assert.deepEqual(await verify(db, origin, true), { problems: [], repaired: problems });
    await addTestMessage(db, id, 'again');
    assert.deepEqual(
      [
        searchMessages(db, { query: 'unfindable', limit: 9 }).hits.length,
        searchMessages(db, { query: 'again', limit: 9 }).hits.length,
      ],
      [1, 1],
    );
    assert.deepEqual((await verify(db, origin, false)).problems, []);
  });

  for (const [sql, what] of [
    ['DROP TABLE usage', 'table usage'],
    ['DROP TABLE message_index', 'table message_index'],
    ['DROP TABLE meta', 'table meta'],
    ['ALTER TABLE messages DROP COLUMN parts', 'column messages.parts'],
  ] as const) {
    it(`names the ${what} when it is missing, and leaves it to a recovery`, async () => {
      const { db } = await damaged(sql);
      const expected = { problems: [`The ${what} is missing.`], repaired: [] };
      assert.deepEqual(await verify(db, origin, false), expected);
      await assert.rejects(verify(db, origin, true), hasReason('corrupt'));
      await db.close();
      assert.match(String(await recover(databases.path)), /3 messages in 1 conversation were saved; no message is/);
      const { db: recovered } = await openHistory(databases.path);
      databases.directory.defer(() => recovered.close());
      assert.deepEqual(await verify(recovered, origin, false), { problems: [], repaired: [] });
    });
  }

  it('expects nothing of a newer version to be as this one has made it', async () => {
    const { db } = await damaged(
      'PRAGMA user_version = 99; CREATE TABLE newer(a); ALTER TABLE messages ADD COLUMN b TEXT',
    );
    assert.deepEqual(await verify(db, origin, false), { problems: [], repaired: [] });
  });

  it('gives another identity to a database whose own names none', async () => {
    const { db } = await damaged(`UPDATE meta SET value = 'mine' WHERE key = 'db_epoch'`);
    const problems = ['The db_epoch mine names no database.'];
    assert.deepEqual(await verify(db, origin, false), { problems, repaired: [] });
    assert.deepEqual(await verify(db, origin, true), { problems: [], repaired: problems });
    assert.match(db.epoch(), /^[0-9a-f]{8}-/);
  });

  it('names numbers below 1', async () => {
    const { db, id } = await damaged('UPDATE messages SET seq = 0 WHERE seq = 1');
    const { problems } = await verify(db, origin, false);
    assert.ok(problems.includes(`Conversation ${id} holds messages with numbers below 1.`));
  });

  it('lets others write while it looks', async () => {
    const { db } = await damaged('');
    const other = databases.raw();
    other.pragma('busy_timeout = 0');
    const write = other.prepare(`INSERT OR REPLACE INTO meta(key, value) VALUES ('written', ?)`);
    let written = 0;
    const sql = db.sql.bind(db);
    mock.method(db, 'sql', (text: string) => {
      write.run(++written);
      return sql(text);
    });
    assert.deepEqual(await verify(db, origin, true), { problems: [], repaired: [] });
    assert.ok(written > 10);
  });

  it('looks while another writes for long', async () => {
    const { db } = await damaged(`INSERT INTO message_index(message_index) VALUES ('delete-all')`);
    databases.raw().exec('BEGIN IMMEDIATE');
    assert.deepEqual(await verify(db, origin, false), { problems: [unfit], repaired: [] });
  });

  it('keeps the log of a file that was emptied', async () => {
    const { db } = await damaged('');
    truncateSync(databases.path);
    assert.deepEqual(await verify(db, origin, false), { problems: [], repaired: [] });
    assert.ok(statSync(`${databases.path}-wal`).size > 0);
  });

  it('mends only what is still wrong when its turn has come', async () => {
    const { db } = await damaged('UPDATE conversations SET last_seq = 1');
    const copyTo = db.copyTo.bind(db);
    mock.method(db, 'copyTo', async (path: string) => {
      await copyTo(path);
      databases.raw().exec('UPDATE conversations SET last_seq = 3');
    });
    assert.deepEqual(await verify(db, origin, true), { problems: [], repaired: [] });
    assert.equal(db.sql('SELECT revision FROM conversations').pluck().get(), 4);
  });

  it('compares the search index in a copy for this user alone, of which nothing is left', async () => {
    const { db } = await damaged('');
    const copyTo = db.copyTo.bind(db);
    const modes: number[] = [];
    mock.method(db, 'copyTo', async (path: string) => {
      modes.push(statSync(dirname(path)).mode & 0o777);
      await copyTo(path);
    });
    assert.deepEqual((await verify(db, origin, false)).problems, []);
    if (process.platform !== 'win32') assert.deepEqual(modes, [0o700]);
    mock.method(db, 'copyTo', async (path: string) => {
      writeFileSync(path, 'half of it');
      throw new DevChatError('disk-full', 'No room.');
    });
    const problems = ['The search index was not checked, because no copy could be made: No room.'];
    assert.deepEqual(await verify(db, origin, false), { problems, repaired: [] });
    assert.deepEqual(readdirSync(`${db.path}.backups`), []);
  });

  it('says that it could not compare the search index where no copy can be made, and mends it all the same', async () => {
    const { db } = await damaged(`INSERT INTO message_index(message_index) VALUES ('delete-all')`);
    rmSync(`${db.path}.backups`, { recursive: true, force: true });
    writeFileSync(`${db.path}.backups`, 'no directory');
    const { problems } = await verify(db, origin, false);
    assert.match(String(problems), /^The search index was not checked, because no copy could be made: .*ENOTDIR/);
    assert.deepEqual(await verify(db, origin, true), { problems: [], repaired: [unfit] });
  });

  it('looks at a history that it may only read, and at its search index', async () => {
    const { db } = await damaged(
      `UPDATE meta SET value = 99 WHERE key = 'min_writer'; DELETE FROM change_log WHERE id = 2;
       INSERT INTO message_index(message_index) VALUES ('delete-all')`,
    );
    await db.close();
    const { problems } = await verify(await databases.open(), origin, false);
    assert.deepEqual(problems, ['The change log holds 3 entries after 0, but 4 were written.', unfit]);
  });

  it('names a hole in the change log, and declares it pruned', async () => {
    const { db } = await damaged('DELETE FROM change_log WHERE id = 2');
    const { problems } = await verify(db, origin, false);
    assert.deepEqual(problems, ['The change log holds 3 entries after 0, but 4 were written.']);
    assert.deepEqual(await verify(db, origin, true), { problems: [], repaired: problems });
  });

  it('names rows without the row that they belong to, and a lost identity', async () => {
    const { db } = await damaged(`DELETE FROM conversations; DELETE FROM meta WHERE key = 'db_epoch'`);
    const { problems } = await verify(db, origin, false);
    assert.ok(problems.includes('A row of messages belongs to a row of conversations that does not exist.'));
    assert.ok(problems.includes('The database has lost its db_epoch.'));
    assert.deepEqual((await verify(db, origin, true)).problems, []);
    const kept = db.sql('SELECT title, last_seq FROM conversations').raw().all();
    assert.deepEqual(kept, [['Recovered conversation', 3]]);
    assert.deepEqual((await verify(db, origin, false)).problems, []);
  });

  it('brings a conversation back though what the database says of itself is lost, too', async () => {
    const { db } = await damaged('DELETE FROM conversations; DELETE FROM meta');
    assert.deepEqual((await verify(db, origin, true)).problems, []);
    assert.deepEqual((await verify(db, origin, false)).problems, []);
  });

  it('mends a sync state that belongs to no conversation', async () => {
    const { db } = await damaged(`UPDATE chat_sync_state SET conversation_id = 'nobody'`);
    assert.notEqual((await verify(db, origin, false)).problems.length, 0);
    assert.deepEqual((await verify(db, origin, true)).problems, []);
  });

  it('mends what a database has lost of what it says of itself', async () => {
    const { db } = await damaged('DELETE FROM meta');
    assert.equal((await verify(db, origin, true)).problems.length, 0);
    const again = await databases.open();
    assert.equal(again.readOnlyReason, null);
    assert.deepEqual((await verify(again, origin, false)).problems, []);
  });

  for (const [where, sql] of [
    ['in a conversation', ''],
    ['in the bin', 'UPDATE conversations SET deleted_at = 1'],
  ] as const) {
    it(`mends a message ${where} that waits for text though nobody writes it`, async () => {
      const { db } = await damaged(`UPDATE messages SET status = 'streaming' WHERE seq < 3; ${sql}`);
      const [written, abandoned] = db.sql('SELECT id FROM messages ORDER BY seq').pluck().all();
      databases.raw().prepare('INSERT INTO streams VALUES (?, ?)').run(written, origin);
      const problem = `Message ${abandoned} waits for text, but nobody is writing it.`;
      assert.deepEqual(await verify(db, origin, false), { problems: [problem], repaired: [] });
      const before = changeTypes(db);
      assert.deepEqual(await verify(db, origin, true), { problems: [], repaired: [problem] });
      assert.deepEqual(changeTypes(db), [...before, 'MessageUpdated']);
      const rows = db.sql('SELECT status, revision FROM messages ORDER BY seq').raw().all();
      assert.deepEqual(rows, [
        ['streaming', 1],
        ['interrupted', 2],
        ['complete', 1],
      ]);
    });
  }
});
