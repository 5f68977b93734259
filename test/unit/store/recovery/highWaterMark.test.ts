import assert from 'node:assert/strict';
import { chmodSync, chownSync, copyFileSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { backUpIfDue } from '../../../../src/store/recovery/backups.ts';
import { HighWaterMark, readMark } from '../../../../src/store/recovery/highWaterMark.ts';
import { openHistory } from '../../../../src/store/recovery/openHistory.ts';
import { verify } from '../../../../src/store/verify.ts';
import { addTestMessage, createTestConversation, origin, useDatabases } from '../../../support/database.ts';

describe('mark of the newest acknowledged change', () => {
  const databases = useDatabases();
  const path = () => databases.path;

  const open = async (file = path()) => {
    const opened = await openHistory(file);
    databases.directory.defer(() => opened.db.close());
    return opened;
  };

  /** What a crash leaves of an open database: its files as they are, in a folder of their own. */
  function crash(suffixes: readonly string[]): string {
    const copy = join(databases.directory.path, 'crashed', 'chat.db');
    mkdirSync(dirname(copy));
    for (const suffix of suffixes) copyFileSync(path() + suffix, copy + suffix);
    return copy;
  }

  it('is raised by every commit, and by nothing else', async () => {
    const db = await databases.open();
    const { id } = await createTestConversation(db);
    assert.deepEqual(readMark(path()), { dbEpoch: db.epoch(), changeId: 1 });
    const before = readFileSync(`${path()}.mark`);
    const failing = db.write(() => {
      throw new Error('rolled back');
    });
    await assert.rejects(failing);
    assert.deepEqual(readFileSync(`${path()}.mark`), before);
    await addTestMessage(db, id, 'text');
    assert.equal(readMark(path())?.changeId, 2);
    if (process.platform !== 'win32') assert.equal(statSync(`${path()}.mark`).mode & 0o777, 0o600);
  });

  it('never falls, and forgets what was there of another database', () => {
    const [one, two] = ['01900000-0000-7000-8000-000000000001', '01900000-0000-7000-8000-000000000002'];
    mkdirSync(dirname(path()));
    const mark = new HighWaterMark(path(), one);
    for (const changeId of [5, 3, 7]) mark.raise(changeId);
    assert.deepEqual(readMark(path()), { dbEpoch: one, changeId: 7 });
    const other = new HighWaterMark(path(), two);
    other.raise(2);
    assert.deepEqual(readMark(path()), { dbEpoch: two, changeId: 2 });
    mark.close();
    other.close();
  });

  it('is believed only when it is whole', () => {
    mkdirSync(dirname(path()));
    for (const text of ['', 'x', '01900000-0000-7000-8000-000000000001', '01900000-0000-7000-8000-000000000001 12']) {
      writeFileSync(`${path()}.mark`, text);
      assert.equal(readMark(path()), undefined);
    }
  });

  it('shows that the log of a crashed database was removed', async () => {
    const db = await databases.open();
    const { id } = await createTestConversation(db);
    await db.close();
    const again = await databases.open();
    await addTestMessage(again, id, 'only in the log');
    const crashed = crash(['', '.mark']);
    const opened = await open(crashed);
    assert.match(String(opened.notices), /^The chat database has lost its newest 1 changes: its write-ahead log/);
    assert.notEqual(opened.db.epoch(), again.epoch());
    await createTestConversation(opened.db);
    assert.deepEqual(opened.db.sql('SELECT id FROM change_log').pluck().all(), [3]);
    assert.deepEqual((await verify(opened.db, origin, false)).problems, []);
    assert.deepEqual((await open(crashed)).notices, []);
  });

  it('is content with a crashed database that has its log', async () => {
    const db = await databases.open();
    await addTestMessage(db, (await createTestConversation(db)).id, 'in the log');
    assert.deepEqual((await open(crash(['', '-wal', '.mark']))).notices, []);
  });

  it('is settled by one of several that open the database at the same moment', async () => {
    const db = await databases.open();
    await db.close();
    await addTestMessage(
      await databases.open(),
      (await createTestConversation(await databases.open())).id,
      'in the log',
    );
    const crashed = crash(['', '.mark']);
    const opened = await Promise.all([open(crashed), open(crashed), open(crashed)]);
    assert.equal(opened.flatMap(({ notices }) => notices).length, 1);
    const epochs = new Set(opened.map(({ db }) => db.epoch()));
    assert.equal(epochs.size, 1);
    for (const { db } of opened) {
      await createTestConversation(db);
      assert.ok(epochs.has(String(readMark(crashed)?.dbEpoch)));
    }
  });

  it('that cannot be written keeps nobody out', async function () {
    if (process.platform === 'win32' || process.getuid?.() !== 0) this.skip();
    await createTestConversation(await databases.open());
    const crashed = crash(['.mark']);
    const nobody = 65_534;
    chownSync(dirname(crashed), nobody, nobody);
    chmodSync(`${crashed}.mark`, 0o444);
    chmodSync(databases.directory.path, 0o755);
    process.seteuid?.(nobody);
    try {
      assert.equal((await open(crashed)).notices.length, 1);
    } finally {
      process.seteuid?.(0);
    }
  });

  it('shows once that the whole database was removed, and keeps its backups from the next one', async () => {
    const db = await databases.open();
    await createTestConversation(db, 'Removed');
    assert.ok(await backUpIfDue(db, Date.now()));
    await db.close();
    rmSync(path());
    const opened = await open();
    assert.match(String(opened.notices), /The newest backup is .*\.removed-[0-9a-f]{8}\.backups.chat-/);
    await createTestConversation(opened.db, 'New');
    await opened.db.close();
    writeFileSync(path(), readFileSync(path()).fill(0, 0, 4096));
    assert.deepEqual((await open()).db.sql('SELECT title FROM conversations').pluck().all(), ['New']);
  });

  it('shows once that the whole database was removed', async () => {
    const db = await databases.open();
    await createTestConversation(db);
    await db.close();
    rmSync(path());
    assert.match(String((await open()).notices), /^The chat history that was kept here is gone/);
    assert.deepEqual((await open()).notices, []);
  });
});
