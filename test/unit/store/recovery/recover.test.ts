import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import Sqlite from 'better-sqlite3';
import fc from 'fast-check';
import type { Database } from '../../../../src/store/database.ts';
import { migrate } from '../../../../src/store/migrate.ts';
import { backUpIfDue } from '../../../../src/store/recovery/backups.ts';
import { openHistory } from '../../../../src/store/recovery/openHistory.ts';
import { recover } from '../../../../src/store/recovery/recover.ts';
import { salvage } from '../../../../src/store/recovery/salvage.ts';
import { migrations, SCHEMA_VERSION } from '../../../../src/store/schema.ts';
import { verify } from '../../../../src/store/verify.ts';
import { addTestMessage, createTestConversation, hasReason, origin, useDatabases } from '../../../support/database.ts';
import { runs } from '../../properties.ts';

const PAGE = 4096;

describe('recovery of a damaged database', function () {
  // Some of it is done for every page of a file.
  this.timeout(60_000);
  const databases = useDatabases();

  /** A closed database with messages enough for many pages. */
  async function fill(messages = 120): Promise<void> {
    const db = await databases.open();
    const { id } = await createTestConversation(db, 'Long');
    const { id: other } = await createTestConversation(db, 'Short');
    for (let index = 0; index < messages; index++) await addTestMessage(db, id, `message ${index} ${'x'.repeat(300)}`);
    await addTestMessage(db, other, 'the only one');
    await db.close();
  }

  const open = async () => {
    const opened = await openHistory(databases.path);
    databases.directory.defer(() => opened.db.close());
    return opened;
  };

  const texts = (db: Database) =>
    db
      .sql(`SELECT substr(content, 1, 12) FROM messages WHERE status <> 'error' ORDER BY row_id`)
      .pluck()
      .all() as string[];

  const overwrite = (change: (file: Buffer) => void) => {
    const file = readFileSync(databases.path);
    change(file);
    writeFileSync(databases.path, file);
  };

  const pageWith = (text: string) => Math.floor(readFileSync(databases.path).indexOf(text) / PAGE) * PAGE;

  async function isSound(db: Database): Promise<void> {
    assert.deepEqual((await verify(db, origin, false)).problems, []);
  }

  it('saves what is readable around a lost page, and says how much was lost', async () => {
    await fill();
    const page = pageWith('message 60 ');
    overwrite((file) => file.fill(0xff, page, page + PAGE));
    const report = await recover(databases.path);
    const { db, notices } = await open();
    assert.deepEqual(notices, []);
    const saved = texts(db);
    assert.ok(saved.includes('message 0 xx') && saved.includes('message 119 ') && saved.includes('the only one'));
    const lost = db.sql(`SELECT count(*) FROM messages WHERE status = 'error'`).pluck().get();
    assert.equal(saved.length + Number(lost), 121);
    assert.ok(Number(lost) > 0 && Number(lost) < 20, `${lost} lost`);
    assert.match(
      String(report),
      new RegExp(`${saved.length} messages in 2 conversations were saved; ${lost} messages`),
    );
    await isSound(db);
  });

  it('keeps what other tables say of the messages', async () => {
    await fill(3);
    databases.raw().exec(`INSERT INTO blobs(hash, media_type, size) VALUES ('abc', 'image/png', 1)`);
    overwrite((file) => file.fill(0, 0, PAGE));
    const { db } = await open();
    assert.deepEqual(db.sql('SELECT hash FROM blobs').pluck().all(), ['abc']);
  });

  it('keeps the damaged file with a report beside it', async () => {
    await fill(3);
    overwrite((file) => file.fill(0, PAGE));
    const damaged = readFileSync(databases.path);
    const report = await recover(databases.path);
    const names = readdirSync(dirname(databases.path));
    const aside = names.find((name) => /\.damaged-\d+$/.test(name)) ?? '';
    assert.deepEqual(readFileSync(join(dirname(databases.path), aside)), damaged);
    assert.equal(readFileSync(join(dirname(databases.path), `${aside}.txt`), 'utf8'), `${report}\n`);
  });

  const openings: [what: string, damage: () => void, keeps: boolean][] = [
    ['its header is lost', () => overwrite((file) => file.fill(0x5a, 0, 100)), true],
    ['its first page is lost', () => overwrite((file) => file.fill(0, 0, PAGE)), true],
    ['it says that it is another program’s', () => overwrite((file) => file.writeInt32BE(7, 68)), true],
    ['it was emptied', () => truncateSync(databases.path, 0), false],
    ['it was cut off in the middle', () => truncateSync(databases.path, 7 * PAGE), false],
  ];
  for (const [what, damage, keeps] of openings) {
    it(`happens when it is opened and ${what}`, async () => {
      await fill(40);
      damage();
      let { db, notices } = await open();
      // A file that was cut off may still open.
      if (notices.length === 0) {
        await db.close();
        notices = [String(await recover(databases.path))];
        ({ db } = await open());
      }
      assert.match(String(notices[0]), /^The chat database was damaged and has been rebuilt: /);
      if (keeps) assert.equal(texts(db).length, 41);
      await addTestMessage(db, (await createTestConversation(db)).id, 'goes on');
      await isSound(db);
    });
  }

  it('fills what cannot be read from the newest backup', async () => {
    await fill(40);
    const before = await databases.open();
    assert.ok(await backUpIfDue(before, Date.now()));
    const { id } = await createTestConversation(before, 'Later');
    await addTestMessage(before, id, 'after the backup');
    await before.close();
    const page = pageWith('message 20 ');
    overwrite((file) => file.fill(0xff, page, page + PAGE));
    const report = await recover(databases.path);
    assert.match(String(report), /42 messages in 3 conversations were saved, \d+ of them from the backup of/);
    assert.match(String(report), /no message is known to be lost/);
    const { db } = await open();
    assert.equal(texts(db).length, 42);
    assert.ok(texts(db).includes('after the ba'));
    await isSound(db);
  });

  it('keeps the log of the database, whose commits are in no other file', async () => {
    await fill(10);
    const db = await databases.open();
    await addTestMessage(db, (await createTestConversation(db, 'In the log')).id, 'in the log');
    const copy = join(databases.directory.path, 'copy');
    mkdirSync(copy);
    for (const suffix of ['', '-wal', '.mark']) copyFileSync(databases.path + suffix, join(copy, `chat.db${suffix}`));
    const path = join(copy, 'chat.db');
    const file = readFileSync(path);
    const page = Math.floor(file.indexOf('message 3 ') / PAGE) * PAGE;
    writeFileSync(path, file.fill(0xff, page, page + PAGE));
    assert.match(String(await recover(path)), /rebuilt/);
    const opened = await openHistory(path);
    databases.directory.defer(() => opened.db.close());
    assert.ok(texts(opened.db).includes('in the log'));
  });

  it('gives the database another identity, and change ids that were never used', async () => {
    await fill(5);
    const before = await databases.open();
    const [epoch, head] = [before.epoch(), before.sql('SELECT max(id) FROM change_log').pluck().get()];
    await before.close();
    overwrite((file) => file.fill(0, 0, PAGE));
    const { db } = await open();
    assert.notEqual(db.epoch(), epoch);
    await createTestConversation(db);
    assert.equal(db.sql('SELECT min(id) FROM change_log').pluck().get(), Number(head) + 1);
  });

  it('is done once by several that find the damage at the same moment', async () => {
    await fill(20);
    overwrite((file) => file.fill(0, 0, PAGE));
    const opened = await Promise.all([open(), open(), open()]);
    assert.equal(opened.flatMap(({ notices }) => notices).length, 1);
    for (const { db } of opened) assert.equal(texts(db).length, 21);
    assert.equal(readdirSync(dirname(databases.path)).filter((name) => /\.damaged-\d+$/.test(name)).length, 1);
  });

  it('is carried on though its folder was renamed meanwhile', async () => {
    await fill(20);
    renameSync(databases.path, `${databases.path}.damaged-1`);
    writeFileSync(`${databases.path}.recovering`, '/elsewhere/chat.db.damaged-1');
    assert.equal(texts((await open()).db).length, 21);
  });

  it('is not begun by an empty marker, which a full disk may leave', async () => {
    await fill(3);
    writeFileSync(`${databases.path}.recovering`, '');
    const { db, notices } = await open();
    assert.deepEqual([texts(db).length, notices], [4, []]);
  });

  it('saves every message whichever page of the schema is lost', async () => {
    await fill(40);
    const intact = readFileSync(databases.path);
    for (let at = 0; at < intact.length; at += PAGE) {
      if (!intact.subarray(at, at + PAGE).includes('CREATE TABLE')) continue;
      const path = join(databases.directory.path, `page-${at}`, 'chat.db');
      mkdirSync(dirname(path));
      writeFileSync(path, Buffer.from(intact).fill(0, at, at + PAGE));
      copyFileSync(`${databases.path}.mark`, `${path}.mark`);
      const { db } = await openHistory(path);
      assert.equal(texts(db).length, 41);
      await db.close();
    }
  });

  it('saves every message of an upgraded database that has lost its first page', async () => {
    mkdirSync(dirname(databases.path));
    const sqlite = new Sqlite(databases.path);
    migrate(sqlite, migrations.slice(0, 1));
    // They lie where a new database has more of its schema.
    sqlite.exec(`INSERT INTO conversations(id, title, source, last_seq, created_at, updated_at)
      VALUES ('${origin}', 'Before', 'chat', 99, 1, 1)`);
    const insert = sqlite.prepare(`INSERT INTO messages(id, conversation_id, seq, role, content, status, created_at,
      updated_at) VALUES (?, '${origin}', ?, 'user', ?, 'complete', 1, 1)`);
    for (let seq = 1; seq <= 99; seq++) insert.run(randomUUID(), seq, 'before '.repeat(50));
    sqlite.close();
    await fill(40);
    overwrite((file) => file.fill(0, 0, PAGE));
    assert.equal(texts((await open()).db).length, 140);
  });

  it('loses at most the rows of a page that is lost', async () => {
    await fill(60);
    const intact = readFileSync(databases.path);
    const held = (file: Buffer) =>
      Array.from({ length: 60 }, (_, index) => index).filter((index) => file.includes(`message ${index} x`));
    for (let at = 0; at < intact.length; at += PAGE) {
      const path = join(databases.directory.path, `page-${at}`, 'chat.db');
      mkdirSync(dirname(path));
      writeFileSync(path, Buffer.from(intact).fill(0, at, at + PAGE));
      copyFileSync(`${databases.path}.mark`, `${path}.mark`);
      await recover(path);
      const { db } = await openHistory(path);
      const expected = held(intact).length - held(intact.subarray(at, at + PAGE)).length;
      assert.ok(texts(db).filter((text) => text.startsWith('message')).length >= expected, `page at ${at}`);
      await db.close();
    }
  });

  const logs: [whose: string, make: (path: string) => Promise<void> | void][] = [
    [
      'another program',
      (path) => {
        const sqlite = new Sqlite(path);
        databases.directory.defer(() => sqlite.close());
        sqlite.exec('PRAGMA journal_mode = WAL; CREATE TABLE t(a); INSERT INTO t VALUES (zeroblob(20000))');
      },
    ],
    [
      'another history',
      async (path) => {
        const { db } = await openHistory(path);
        databases.directory.defer(() => db.close());
        await addTestMessage(db, (await createTestConversation(db)).id, 'of the other');
      },
    ],
    [
      'another history from its middle on',
      async (path) => {
        const { db: first } = await openHistory(path);
        await createTestConversation(first);
        await first.close();
        const { db } = await openHistory(path);
        databases.directory.defer(() => db.close());
        await createTestConversation(db);
      },
    ],
  ];
  for (const [whose, make] of logs) {
    it(`keeps all messages of a database beside which the log of ${whose} was put`, async () => {
      await fill(40);
      const other = join(databases.directory.path, 'other', 'chat.db');
      mkdirSync(dirname(other));
      await make(other);
      copyFileSync(`${other}-wal`, `${databases.path}-wal`);
      const { db } = await open();
      assert.equal(texts(db).filter((text) => text.startsWith('message')).length, 40);
      await isSound(db);
    });
  }

  it('finds the log of a database that is opened by a link', async function () {
    if (process.platform === 'win32') this.skip();
    await fill(20);
    const link = join(databases.directory.path, 'link.db');
    symlinkSync(databases.path, link);
    overwrite((file) => file.fill(0, 0, PAGE));
    const { db } = await openHistory(link);
    databases.directory.defer(() => db.close());
    assert.deepEqual([db.path, texts(db).length], [databases.path, 21]);
  });

  it('saves what only the log holds when the header of the file is lost', async () => {
    await fill(3);
    const sqlite = databases.raw();
    sqlite.exec(`UPDATE conversations SET title = 'In the log'; PRAGMA user_version = ${SCHEMA_VERSION}`);
    overwrite((file) => file.fill(0x5a, 0, 100));
    const { db } = await open();
    assert.deepEqual(db.sql('SELECT DISTINCT title FROM conversations').pluck().all(), ['In the log']);
  });

  it('is left to the newer version that made the database', async () => {
    await fill(40);
    const sqlite = new Sqlite(databases.path);
    sqlite.pragma(`user_version = ${SCHEMA_VERSION + 1}`);
    sqlite.close();
    const page = pageWith('message 20 ');
    overwrite((file) => file.fill(0xff, page, page + PAGE));
    const before = readFileSync(databases.path);
    await assert.rejects(recover(databases.path), hasReason('newer-database'));
    assert.deepEqual(readFileSync(databases.path), before);
  });

  it('says what is gone with a file of which nothing is left, and passes by backups that are damaged', async () => {
    await fill(3);
    const before = await databases.open();
    const backup = String((await backUpIfDue(before, Date.now()))?.path);
    await createTestConversation(before);
    await before.close();
    mkdirSync(backup.replace(/-\d+\.db$/, '-98.db'));
    writeFileSync(backup.replace(/-\d+\.db$/, '-99.db'), '');
    truncateSync(databases.path, 0);
    const { db, notices } = await open();
    assert.match(
      String(notices),
      /4 of them from the backup .*no message could be read in the file itself, and its newest 1 change /,
    );
    assert.equal(texts(db).length, 4);
  });

  it('believes a number only when another one confirms it', async () => {
    await fill(40);
    const sqlite = databases.raw();
    sqlite.exec(`UPDATE messages SET seq = 16534 WHERE content LIKE 'message 20 %'`);
    sqlite.exec(`UPDATE conversations SET last_seq = 4000000 WHERE title = 'Short'`);
    sqlite.exec(`INSERT INTO conversations(id, title, source, last_seq, created_at, updated_at)
      VALUES ('${origin}', 'Gone', 'chat', 12000, 1, 1);
      INSERT INTO chat_sync_state(conversation_id, local_max_seq) VALUES ('${origin}', 12000)`);
    sqlite.close();
    const page = pageWith('message 3 ');
    overwrite((file) => file.fill(0xff, page, page + PAGE));
    await recover(databases.path);
    const { db } = await open();
    const numbers = db.sql('SELECT title, last_seq FROM conversations ORDER BY title').raw().all();
    assert.deepEqual(numbers, [
      ['Gone', 12000],
      ['Long', 40],
      ['Short', 1],
    ]);
    assert.ok(texts(db).includes('message 20 x'));
    await isSound(db);
  });

  it('gives no number again of which only the counter tells, and makes one message of all that are lost', async () => {
    await fill(3);
    const sqlite = databases.raw();
    // Of a long log, nothing is left but how long it was.
    sqlite.exec(`UPDATE sqlite_sequence SET seq = 20000 WHERE name = 'change_log'; DELETE FROM change_log;
      UPDATE meta SET value = 20000 WHERE key = 'pruned_through'; DELETE FROM chat_sync_state;
      UPDATE conversations SET last_seq = iif(title = 'Long', 12000, 22000)`);
    sqlite.close();
    overwrite((file) => file.writeInt32BE(7, 68));
    const { db, notices } = await open();
    assert.match(String(notices), /; of 11,997 more messages, if they ever were, only the numbers are left\. The/);
    // More numbers than there were changes cannot have been given.
    const counters = db.sql('SELECT title, last_seq FROM conversations ORDER BY title').raw().all();
    assert.deepEqual(counters, [
      ['Long', 12_000],
      ['Short', 1],
    ]);
    const id = String(db.sql(`SELECT id FROM conversations WHERE title = 'Long'`).pluck().get());
    assert.equal((await addTestMessage(db, id, 'new')).seq, 12_001);
    const rows = db.sql(
      'SELECT seq, substr(content, 1, 33) FROM messages WHERE conversation_id = ? AND seq > 3 ORDER BY seq',
    );
    assert.deepEqual(rows.raw().all(id), [
      [4, 'If there were messages 4 to 12000'],
      [12_001, 'new'],
    ]);
  });

  const details: [table: string, columns: string, values: string, leaf: number, lost: RegExp][] = [
    ['blobs', 'hash, media_type, size', `'x', 1`, 0x0d, /: (\d+) rows of blobs\./],
    [
      'usage',
      'key, conversation_id, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens, created_at',
      '(SELECT id FROM conversations), 0, 0, 0, 0, 0, 0',
      0x0d,
      /: (\d+) rows of usage\./,
    ],
    [
      'ingest_sessions',
      'external_id, source, title, title_rank',
      `'codex', 'x', 1`,
      0x0a,
      /: some rows of ingest_sessions\./,
    ],
  ];
  for (const [table, columns, values, leaf, lost] of details) {
    it(`goes on behind a page of ${table} that cannot be read, and says what is lost`, async () => {
      await fill(3);
      const sqlite = databases.raw();
      sqlite.exec(`WITH RECURSIVE numbers(n) AS (SELECT 100 UNION ALL SELECT n + 1 FROM numbers WHERE n < 199)
        INSERT INTO ${table}(${columns}) SELECT 'row ' || n || printf('%400s', ''), ${values} FROM numbers`);
      sqlite.close();
      overwrite((file) => {
        for (let at = 0; at < file.length; at += PAGE) {
          const page = file.subarray(at, at + PAGE);
          if (page[0] === leaf && page.includes('row 150')) page.fill(0xff);
        }
      });
      const report = String(await recover(databases.path));
      const { db } = await open();
      const left = db.sql(`SELECT CAST(substr(${columns.split(',')[0]}, 5, 3) AS INTEGER) FROM ${table}`).pluck();
      const numbers = (left.all() as number[]).toSorted((a, b) => a - b);
      assert.deepEqual([numbers[0], numbers.includes(150), numbers.at(-1)], [100, false, 199]);
      assert.ok(numbers.length > 80, `${numbers.length} left`);
      const [, rows] = lost.exec(report) ?? assert.fail(report);
      if (rows !== undefined) assert.equal(Number(rows), 100 - numbers.length);
    });
  }

  it('answers others while it works', async () => {
    const db = await databases.open();
    await db.close();
    const sqlite = databases.raw();
    sqlite.exec(`WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 50000)
      INSERT INTO blobs(hash, media_type, size) SELECT n, 'x', 1 FROM numbers`);
    const target = new Sqlite(':memory:');
    databases.directory.defer(() => target.close());
    migrate(target);
    let isServed = false;
    setImmediate(() => {
      isServed = true;
    });
    await salvage(target, { file: [{ sqlite, isSchemaGuessed: false }], backup: undefined }, 0);
    assert.ok(isServed);
    assert.equal(target.prepare('SELECT count(*) FROM blobs').pluck().get(), 50_000);
  });

  it('says when it begins, and nothing when there is nothing to do', async () => {
    await fill(3);
    overwrite((file) => file.fill(0, 0, PAGE));
    const told: string[] = [];
    await recover(databases.path, (text) => told.push(text));
    assert.equal(await recover(databases.path, (text) => told.push(text)), undefined);
    assert.equal(told.length, 1);
    assert.match(String(told), /is damaged. It is being rebuilt/);
  });

  it('takes conversations from the backup before it makes up their titles, and messages whatever their place', async () => {
    await fill(40);
    const before = await databases.open();
    await backUpIfDue(before, Date.now());
    await before.close();
    // The file numbers its rows anew, and has lost its conversations.
    const sqlite = new Sqlite(databases.path);
    sqlite.exec('UPDATE messages SET row_id = -row_id; UPDATE messages SET row_id = 42 + row_id');
    sqlite.exec('PRAGMA foreign_keys = OFF; DELETE FROM messages WHERE seq % 2 = 0; DELETE FROM conversations');
    sqlite.close();
    overwrite((file) => file.fill(0x5a, 0, 100));
    const { db } = await open();
    assert.deepEqual(db.sql('SELECT title FROM conversations ORDER BY title').pluck().all(), ['Long', 'Short']);
    assert.equal(texts(db).length, 41);
  });

  for (const step of ['the log was moved', 'the file was moved'] as const) {
    it(`is carried on when it was interrupted after ${step}`, async () => {
      await fill(20);
      overwrite((file) => file.fill(0, 0, PAGE));
      const aside = `${databases.path}.damaged-1`;
      writeFileSync(`${databases.path}.recovering`, aside);
      if (step === 'the file was moved') renameSync(databases.path, aside);
      const { db, notices } = await open();
      assert.match(String(notices), /The damaged file was kept as chat\.db\.damaged-1\.$/);
      assert.equal(texts(db).length, 21);
      assert.equal(existsSync(`${databases.path}.recovering`), false);
    });
  }

  it('leaves a sound database and every foreign file alone', async () => {
    await fill(1);
    const before = readFileSync(databases.path);
    assert.equal(await recover(databases.path), undefined);
    assert.deepEqual(readFileSync(databases.path), before);
    const foreign = join(databases.directory.path, 'notes.txt');
    writeFileSync(foreign, 'not a database at all, but somebody’s notes');
    await assert.rejects(openHistory(foreign), hasReason('corrupt'));
    assert.equal(statSync(foreign).size, 45);
  });

  it('ends with a sound database that accounts for every message, whatever pages are lost', async () => {
    await fill(120);
    const intact = readFileSync(databases.path);
    const pages = intact.length / PAGE;
    const damages = fc.array(
      fc.record({
        page: fc.nat(pages - 1),
        from: fc.nat(PAGE - 1),
        length: fc.integer({ min: 1, max: PAGE }),
        byte: fc.nat(255),
      }),
      { minLength: 1, maxLength: 6 },
    );
    let round = 0;
    await fc.assert(
      fc.asyncProperty(damages, async (all) => {
        const path = join(databases.directory.path, `round-${round++}`, 'chat.db');
        mkdirSync(dirname(path));
        const file = Buffer.from(intact);
        for (const { page, from, length, byte } of all) {
          file.fill(byte, page * PAGE + from, Math.min(page * PAGE + from + length, (page + 1) * PAGE));
        }
        writeFileSync(path, file);
        copyFileSync(`${databases.path}.mark`, `${path}.mark`);
        const { db } = await openHistory(path).catch(async () => {
          await recover(path);
          return openHistory(path);
        });
        await db.close();
        await recover(path);
        const { db: sound } = await openHistory(path);
        try {
          // A text that was changed without a trace in its page shows in the index alone.
          await verify(sound, origin, true);
          await isSound(sound);
        } finally {
          await sound.close();
        }
      }),
      // Always the same damages: what a run finds must not depend on the day.
      { ...runs(60), seed: 20_261_121 },
    );
  }).timeout(60_000);
});
