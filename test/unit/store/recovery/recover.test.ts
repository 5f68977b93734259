import assert from 'node:assert/strict';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import type { Database } from '../../../../src/store/database.ts';
import { backUpIfDue } from '../../../../src/store/recovery/backups.ts';
import { openHistory } from '../../../../src/store/recovery/openHistory.ts';
import { recover } from '../../../../src/store/recovery/recover.ts';
import { verify } from '../../../../src/store/verify.ts';
import { addTestMessage, createTestConversation, hasReason, origin, useDatabases } from '../../../support/database.ts';

const PAGE = 4096;

describe('recovery of a damaged database', () => {
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
      { numRuns: 60 },
    );
  }).timeout(60_000);
});
