import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, renameSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { mock } from 'node:test';
import Sqlite from 'better-sqlite3';
import { changeHead } from '../../../../src/store/changeLog.ts';
import { backUpIfDue, listBackups } from '../../../../src/store/recovery/backups.ts';
import { addTestMessage, createTestConversation, hasReason, useDatabases } from '../../../support/database.ts';

const program = join(import.meta.dirname, 'backUpProgram.ts');
const HOUR = 3_600_000;
const start = Date.UTC(2026, 0, 31, 12);

describe('backups', () => {
  const databases = useDatabases();

  async function filled() {
    const db = await databases.open();
    const { id } = await createTestConversation(db);
    await addTestMessage(db, id, 'text');
    return { db, id };
  }

  const count = (path: string) => {
    const sqlite = new Sqlite(path, { readonly: true });
    try {
      return sqlite.prepare('SELECT count(*) FROM messages').pluck().get();
    } finally {
      sqlite.close();
    }
  };

  it('hold everything of one moment, for this user alone', async () => {
    const { db } = await filled();
    const backup = await backUpIfDue(db, start);
    assert.deepEqual(backup && { ...backup, bytes: 0, path: '' }, { path: '', takenAt: start, changeId: 2, bytes: 0 });
    assert.equal(count(String(backup?.path)), 1);
    if (process.platform !== 'win32') assert.equal(statSync(String(backup?.path)).mode & 0o777, 0o600);
  });

  /** One whose copy takes some steps. */
  async function large() {
    const { db, id } = await filled();
    await db.write(() => {
      const insert = db.sql(`INSERT INTO meta(key, value) VALUES (?, ?)`);
      for (let index = 0; index < 3000; index++) insert.run(`filler ${index}`, 'x'.repeat(1000));
    });
    return { db, id };
  }

  it('are taken while others write, who need not wait, and hold what was there when they began', async () => {
    const { db, id } = await large();
    const other = await databases.open();
    let isTaken = false;
    const taken = backUpIfDue(db, start).finally(() => {
      isTaken = true;
    });
    let written = 0;
    while (!isTaken) {
      await addTestMessage(other, id, `meanwhile ${written++}`);
      await new Promise(setImmediate);
    }
    const backup = await taken;
    assert.ok(backup && backup.changeId < changeHead(db));
    // The first change is the conversation.
    assert.equal(count(backup.path), backup.changeId - 1);
  });

  it('are copied and checked in a thread of their own, while this one answers', async () => {
    const { db } = await large();
    const [copied, looked] = [mock.method(Sqlite.prototype, 'backup'), mock.method(Sqlite.prototype, 'pragma')];
    let [turns, isTaken] = [0, false];
    const taken = backUpIfDue(db, start).finally(() => {
      isTaken = true;
    });
    for (; !isTaken; turns++) await new Promise(setImmediate);
    mock.restoreAll();
    assert.ok(await taken);
    assert.deepEqual([copied.mock.callCount(), looked.mock.callCount()], [0, 0]);
    // A copy by this thread has some five.
    assert.ok(turns > 50, `${turns} turns`);
  });

  it('are not what one has left who was killed meanwhile', async () => {
    const { db } = await large();
    const directory = `${databases.path}.backups`;
    const { signal } = spawnSync(process.execPath, [program, databases.path]);
    assert.equal(signal, 'SIGKILL');
    assert.notDeepEqual(readdirSync(directory), []);
    assert.deepEqual(listBackups(databases.path), []);
    const backup = await backUpIfDue(db, start);
    assert.deepEqual(readdirSync(directory), [basename(String(backup?.path))]);
  });

  it('are not taken of a file that was emptied, whose log stays', async () => {
    const { db } = await filled();
    truncateSync(databases.path);
    const { size } = statSync(`${databases.path}-wal`);
    assert.equal(await backUpIfDue(db, start), undefined);
    assert.equal(statSync(`${databases.path}-wal`).size, size);
    assert.ok(size > 0);
  });

  it('are not taken of another file that has taken its place', async () => {
    const { db } = await filled();
    renameSync(databases.path, `${databases.path}.old`);
    writeFileSync(databases.path, 'another');
    assert.equal(await backUpIfDue(db, start), undefined);
  });

  it('are taken again only when something has changed and the newest is six hours old', async () => {
    const { db, id } = await filled();
    assert.ok(await backUpIfDue(db, start));
    assert.equal(await backUpIfDue(db, start + 7 * HOUR), undefined);
    await addTestMessage(db, id, 'more');
    assert.equal(await backUpIfDue(db, start + 5 * HOUR), undefined);
    assert.ok(await backUpIfDue(db, start + 6 * HOUR));
    await addTestMessage(db, id, 'after the clock was set back');
    assert.ok(await backUpIfDue(db, start - 48 * HOUR));
  });

  it('are at most five, the newest ones', async () => {
    const { db, id } = await filled();
    for (let index = 0; index < 8; index++) {
      await addTestMessage(db, id, `text ${index}`);
      assert.ok(await backUpIfDue(db, start + index * 6 * HOUR));
    }
    const kept = listBackups(databases.path);
    assert.deepEqual(
      kept.map(({ takenAt }) => (takenAt - start) / HOUR),
      [42, 36, 30, 24, 18],
    );
    assert.equal(readdirSync(dirname(String(kept[0]?.path))).length, 5);
  });

  it('have at most a gibibyte together, but the newest stays', async () => {
    const { db, id } = await filled();
    const first = await backUpIfDue(db, start);
    truncateSync(String(first?.path), 2 ** 30);
    await addTestMessage(db, id, 'more');
    const second = await backUpIfDue(db, start + 6 * HOUR);
    assert.deepEqual(
      listBackups(databases.path).map(({ path }) => path),
      [second?.path],
    );
  });

  it('belong to one database of a folder', async () => {
    const { db } = await filled();
    await backUpIfDue(db, start);
    assert.deepEqual(listBackups(join(dirname(databases.path), 'other.db')), []);
  });

  it('are not taken of a database that turns out to be damaged, and the sound ones stay', async () => {
    const { db, id } = await filled();
    for (let index = 0; index < 60; index++) await addTestMessage(db, id, `message ${index} ${'x'.repeat(300)}`);
    const sound = await backUpIfDue(db, start);
    await db.close();
    const file = readFileSync(databases.path);
    const page = Math.floor(file.indexOf('message 30 ') / 4096) * 4096;
    writeFileSync(databases.path, file.fill(0xff, page, page + 4096));
    const damaged = await databases.open();
    await addTestMessage(damaged, id, 'more');
    await assert.rejects(backUpIfDue(damaged, start + 7 * HOUR), hasReason('corrupt'));
    assert.deepEqual(readdirSync(dirname(String(sound?.path))), [basename(String(sound?.path))]);
  });

  it('leave neither logs nor what one who was killed has begun', async () => {
    const { db } = await filled();
    mkdirSync(`${databases.path}.backups`);
    writeFileSync(`${databases.path}.backups/chat-2026-01-01T000000Z-1.db.unfinished`, 'half');
    const backup = String((await backUpIfDue(db, start))?.path);
    count(backup);
    assert.deepEqual(readdirSync(dirname(backup)), [basename(backup)]);
  });

  it('are newer than another that a wrong clock has dated later', async () => {
    const { db, id } = await filled();
    for (const hours of [10_000, 0, 7]) {
      await addTestMessage(db, id, 'more');
      assert.ok(await backUpIfDue(db, start + hours * HOUR));
    }
    assert.deepEqual(
      listBackups(databases.path).map(({ takenAt }) => (takenAt - start) / HOUR),
      [7, 0, 10_000],
    );
  });

  it('are not what has another name', async () => {
    const { db } = await filled();
    const backup = await backUpIfDue(db, start);
    writeFileSync(join(dirname(String(backup?.path)), 'chat-notes.db'), '');
    assert.equal(listBackups(databases.path).length, 1);
  });
});
