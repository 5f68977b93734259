import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { changesAfter } from '../../../src/store/changeLog.ts';
import { listConversations } from '../../../src/store/conversations.ts';
import { migrate } from '../../../src/store/migrate.ts';
import { migrations, SCHEMA_VERSION } from '../../../src/store/schema.ts';
import { createTestConversation, hasReason, useDatabases } from '../../support/database.ts';

const nextStep = `CREATE TABLE added(x); INSERT INTO added SELECT title FROM conversations;`;

describe('migration', () => {
  const databases = useDatabases();

  /** A database of the present schema with one conversation, open for migrating. */
  async function setUp() {
    const db = await databases.open();
    await createTestConversation(db, 'Kept');
    await db.close();
    return databases.raw();
  }

  const backups = () => {
    const directory = dirname(databases.path);
    return readdirSync(directory).flatMap((name) => (name.endsWith('.bak') ? join(directory, name) : []));
  };

  const schemaOf = (sqlite: Sqlite.Database) => sqlite.pragma('user_version', { simple: true });

  it('makes a new database without a backup', async () => {
    const db = await databases.open();
    assert.equal(schemaOf(databases.raw()), migrations.length);
    assert.equal(db.readOnlyReason, null);
    assert.deepEqual(backups(), []);
  });

  it('runs the steps that are missing, each after a backup that only the user may read', async () => {
    const sqlite = await setUp();
    const steps = [...migrations, nextStep, 'INSERT INTO added VALUES (2)'];
    assert.equal(migrate(sqlite, steps), null);
    assert.equal(schemaOf(sqlite), steps.length);
    assert.deepEqual(sqlite.prepare('SELECT x FROM added').pluck().all(), ['Kept', 2]);
    const [first = '', second = '', ...others] = backups().sort();
    assert.deepEqual(
      [others, first.includes(`.schema-${SCHEMA_VERSION}-`), second.includes(`.schema-${SCHEMA_VERSION + 1}-`)],
      [[], true, true],
    );
    const copy = new Sqlite(first, { readonly: true });
    assert.deepEqual(copy.prepare('SELECT title FROM conversations').pluck().all(), ['Kept']);
    assert.equal(schemaOf(copy), SCHEMA_VERSION);
    copy.close();
    if (process.platform !== 'win32') assert.equal(statSync(first).mode & 0o777, 0o600);
  });

  it('does nothing the second time', async () => {
    const sqlite = await setUp();
    const steps = [...migrations, nextStep];
    migrate(sqlite, steps);
    migrate(sqlite, steps);
    assert.equal(sqlite.prepare('SELECT count(*) FROM added').pluck().get(), 1);
    assert.equal(backups().length, 1);
  });

  it('undoes the whole of a step that fails, and keeps the steps before it', async () => {
    const sqlite = await setUp();
    const failing = 'CREATE TABLE half(x); DELETE FROM conversations; INSERT INTO nowhere VALUES (1)';
    assert.throws(() => migrate(sqlite, [...migrations, nextStep, failing]), /nowhere/);
    assert.equal(schemaOf(sqlite), SCHEMA_VERSION + 1);
    assert.deepEqual(sqlite.prepare(`SELECT name FROM sqlite_schema WHERE name IN ('half', 'added')`).pluck().all(), [
      'added',
    ]);
    assert.equal(sqlite.prepare('SELECT count(*) FROM conversations').pluck().get(), 1);
  });

  it('runs each step once when two processes start at the same moment', async () => {
    const sqlite = await setUp();
    const steps = [...migrations, nextStep, nextStep.replace('CREATE TABLE added(x);', '')];
    const program = join(import.meta.dirname, '../../support/migrateProgram.ts');
    const children = [1, 2, 3].map(() =>
      spawn(process.execPath, [program, databases.path, JSON.stringify(steps)], { stdio: ['pipe', 'pipe', 'inherit'] }),
    );
    const ends = children.map((child) => once(child, 'close'));
    await Promise.all(children.map((child) => once(child.stdout, 'data')));
    for (const child of children) child.stdin.write('go');
    assert.deepEqual(await Promise.all(ends), Array(3).fill([0, null]));
    assert.deepEqual(sqlite.prepare('SELECT x FROM added').pluck().all(), ['Kept', 'Kept']);
    assert.equal(schemaOf(sqlite), SCHEMA_VERSION + 2);
  });

  for (let schema = 1; schema < SCHEMA_VERSION; schema++) {
    it(`goes on beside a window that knows only schema ${schema}, and both see what the other writes`, async () => {
      mkdirSync(dirname(databases.path));
      const older = databases.raw();
      older.pragma('journal_mode = WAL');
      migrate(older, migrations.slice(0, schema));
      const insert = older.prepare(
        `INSERT INTO conversations(id, title, source, created_at, updated_at) VALUES (:id, :id, 'chat', 0, 0)`,
      );
      const log = older.prepare(
        `INSERT INTO change_log(txn, change_type, conversation_id, revision, origin_instance_id, created_at)
         VALUES (:id, 'ConversationCreated', :id, 1, 'older', 0)`,
      );
      const titles = older.prepare('SELECT title FROM conversations ORDER BY title').pluck();
      const write = older.transaction((id: number) => [insert, log].map((statement) => statement.run({ id: `${id}` })));
      write(1);
      const db = await databases.open();
      write(2);
      await createTestConversation(db, '3');
      write(4);
      const told = changesAfter(db, 0, 9).conversations.map(({ title }) => title);
      assert.deepEqual(
        [told, titles.all()],
        [
          ['1', '2', '3', '4'],
          ['1', '2', '3', '4'],
        ],
      );
      const least = older.prepare(`SELECT value FROM meta WHERE key IN ('min_reader', 'min_writer')`).pluck();
      for (const version of least.all()) assert.ok(Number(version) <= schema);
    });
  }

  it('keeps what is known of transcripts when their tables are made anew', async () => {
    mkdirSync(dirname(databases.path));
    const older = databases.raw();
    migrate(older, migrations.slice(0, 5));
    older.exec(`
      INSERT INTO conversations(id, title, source, created_at, updated_at) VALUES ('c', 'Parser', 'codex', 0, 0);
      INSERT INTO messages(id, conversation_id, seq, role, content, status, created_at, updated_at)
        VALUES ('m1', 'c', 1, 'user', 'one', 'complete', 0, 0), ('m2', 'c', 2, 'assistant', 'two', 'complete', 0, 0);
      INSERT INTO ingest_messages(key, message_id, pieces, revision) VALUES ('a', 'm2', 'p q', 3), ('b', 'm1', '', 1);
      INSERT INTO usage VALUES ('k', 'c', 'm2', 'a-model', 1, 2, 3, 4, 5, 6);`);
    const known = () => [
      older.prepare('SELECT * FROM ingest_messages ORDER BY key').raw().all(),
      older.prepare('SELECT * FROM usage').raw().all(),
    ];
    const before = known();
    await databases.open();
    assert.equal(schemaOf(older), SCHEMA_VERSION);
    assert.deepEqual(known(), before);
    assert.throws(() => older.exec(`INSERT INTO ingest_messages SELECT * FROM ingest_messages`), /UNIQUE/);
  });

  it('leaves a database alone that a newer version has migrated and still lets this one write', async () => {
    const sqlite = await setUp();
    sqlite.pragma('user_version = 99');
    const db = await databases.open();
    await createTestConversation(db);
    assert.deepEqual([schemaOf(sqlite), db.readOnlyReason, backups()], [99, null, []]);
  });

  it('only reads a database that only newer versions may write, and says so', async () => {
    const sqlite = await setUp();
    sqlite.exec(`UPDATE meta SET value = '${SCHEMA_VERSION + 1}' WHERE key = 'min_writer'`);
    const db = await databases.open();
    assert.match(db.readOnlyReason ?? '', /newer version.*Update DevChat/);
    await assert.rejects(createTestConversation(db), { reason: 'read-only', message: db.readOnlyReason });
    assert.throws(() => db.sql('DELETE FROM conversations').run(), /readonly/);
    assert.deepEqual(
      listConversations(db, false).conversations.map(({ title }) => title),
      ['Kept'],
    );
  });

  it('refuses a database that only newer versions can read', async () => {
    const sqlite = await setUp();
    sqlite.exec(`UPDATE meta SET value = '${SCHEMA_VERSION + 1}' WHERE key = 'min_reader'`);
    await assert.rejects(databases.open(), hasReason('newer-database'));
  });
});
