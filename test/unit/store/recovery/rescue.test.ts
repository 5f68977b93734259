import assert from 'node:assert/strict';
import { readdirSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DevChatError } from '../../../../src/protocol/errors.ts';
import type { Database } from '../../../../src/store/database.ts';
import { openHistory } from '../../../../src/store/recovery/openHistory.ts';
import { rescue } from '../../../../src/store/recovery/rescue.ts';
import { verify } from '../../../../src/store/verify.ts';
import { addTestMessage, createTestConversation, hasReason, origin, useDatabases } from '../../../support/database.ts';

describe('rescue of a database whose file is gone', () => {
  const databases = useDatabases();

  beforeEach(function () {
    // An open file can be neither replaced nor removed there.
    if (process.platform === 'win32') this.skip();
  });

  async function filled() {
    const db = await databases.open();
    await addTestMessage(db, (await createTestConversation(db)).id, 'saved');
    return db;
  }

  const open = async (path = databases.path) => {
    const opened = await openHistory(path);
    databases.directory.defer(() => opened.db.close());
    return opened;
  };

  const texts = (db: Database) => db.sql('SELECT content FROM messages ORDER BY row_id').pluck().all();
  const names = () => readdirSync(dirname(databases.path));

  const losses: [what: string, lose: () => void][] = [
    ['the file was', () => unlinkSync(databases.path)],
    ['its log was', () => unlinkSync(`${databases.path}-wal`)],
    [
      'all its files were',
      () => {
        for (const suffix of ['', '-wal', '-shm']) rmSync(databases.path + suffix);
      },
    ],
    ['its folder was', () => rmSync(dirname(databases.path), { recursive: true })],
  ];
  for (const [what, lose] of losses) {
    it(`puts everything back when ${what} removed`, async () => {
      const before = await filled();
      lose();
      assert.equal(before.isInPlace(), false);
      assert.match(String(await rescue(before)), /^The chat database was removed while it was open\. It was put back/);
      const { db, notices } = await open();
      assert.deepEqual(notices, []);
      assert.deepEqual(texts(db), ['saved']);
      assert.notEqual(db.epoch(), before.epoch());
      assert.deepEqual((await verify(db, origin, false)).problems, []);
      // The old connection's end leaves the new file alone.
      await addTestMessage(db, (await createTestConversation(db)).id, 'more');
      await before.close();
      assert.deepEqual(texts((await open()).db), ['saved', 'more']);
    });
  }

  it('is done once by two that had it open', async () => {
    const [one, two] = [await filled(), await databases.open()];
    unlinkSync(databases.path);
    const reports = await Promise.all([rescue(one), rescue(two)]);
    assert.equal(reports.filter((report) => report !== undefined).length, 1);
    assert.deepEqual(texts((await open()).db), ['saved']);
  });

  it('keeps a copy beside a file that took its place, once', async () => {
    const [one, two] = [await filled(), await databases.open()];
    const successor = join(databases.directory.path, 'other', 'chat.db');
    const { db: other } = await openHistory(successor);
    await other.close();
    renameSync(successor, databases.path);
    assert.match(String(await rescue(one)), /What it held was kept as chat\.db\.replaced-[0-9a-f]{8}-2\.$/);
    assert.equal(await rescue(two), undefined);
    const copy = names().find((name) => name.includes('.replaced-')) ?? '';
    assert.deepEqual(texts((await open(join(dirname(databases.path), copy))).db), ['saved']);
  });

  it('keeps the whole copy when the first attempt was cut short', async () => {
    const db = await filled();
    const successor = join(databases.directory.path, 'other', 'chat.db');
    await (await openHistory(successor)).db.close();
    renameSync(successor, databases.path);
    const failing = Object.assign(Object.create(db), {
      copyTo: async (path: string) => {
        writeFileSync(path, 'half');
        throw new DevChatError('disk-full', 'no room');
      },
    });
    // A private field is not inherited.
    for (const name of ['epoch', 'isWhole', 'isFile', 'sql'] as const) failing[name] = db[name].bind(db);
    await assert.rejects(rescue(failing), hasReason('disk-full'));
    assert.match(String(await rescue(db)), /What it held was kept/);
    const copy = names().find((name) => name.includes('.replaced-')) ?? '';
    assert.deepEqual(texts((await open(join(dirname(databases.path), copy))).db), ['saved']);
  });

  it('copies nothing while the file only has another name in the folder, beside a new one', async () => {
    const db = await filled();
    for (const suffix of ['', '-wal', '-shm']) renameSync(databases.path + suffix, `${databases.path}.old${suffix}`);
    await open();
    const before = names();
    assert.equal(await rescue(db), undefined);
    assert.deepEqual(
      names().filter((name) => !before.includes(name)),
      ['chat.db.lock'],
    );
  });

  it('does nothing to one that is in its place', async () => {
    assert.equal(await rescue(await filled()), undefined);
  });
});
