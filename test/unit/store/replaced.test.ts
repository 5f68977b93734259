import assert from 'node:assert/strict';
import { readdirSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Database } from '../../../src/store/database.ts';
import { createTestConversation, hasReason, useDatabases } from '../../support/database.ts';

describe('database file that was replaced while open', () => {
  const databases = useDatabases();

  beforeEach(function () {
    // An open file can be neither replaced nor removed there.
    if (process.platform === 'win32') this.skip();
  });

  const aside = () => {
    for (const suffix of ['', '-wal', '-shm']) renameSync(databases.path + suffix, `${databases.path}.old${suffix}`);
  };

  it('acknowledges nothing and leaves the new file alone', async () => {
    const db = await databases.open();
    await createTestConversation(db);
    assert.equal(db.isInPlace(), true);
    aside();
    const successor = await databases.open();
    assert.deepEqual([db.isInPlace(), successor.isInPlace()], [false, true]);
    let isTried = false;
    const write = db.write(() => {
      isTried = true;
    });
    await assert.rejects(write, hasReason('database-replaced'));
    assert.equal(isTried, false);
    assert.equal(successor.sql('SELECT count(*) FROM conversations').pluck().get(), 0);
  });

  it('is noticed when it was only removed', async () => {
    const db = await databases.open();
    unlinkSync(databases.path);
    assert.equal(db.isInPlace(), false);
    await assert.rejects(createTestConversation(db), hasReason('database-replaced'));
  });

  for (const suffix of ['-wal', '-shm']) {
    it(`is noticed when its ${suffix} was removed`, async () => {
      const db = await databases.open();
      await createTestConversation(db);
      unlinkSync(databases.path + suffix);
      assert.equal(db.isInPlace(), false);
      await assert.rejects(createTestConversation(db), hasReason('database-replaced'));
    });
  }

  it('is noticed when another SQLite in this process lifts its locks and takes its log away', async () => {
    const db = await databases.open();
    await createTestConversation(db);
    const other = new DatabaseSync(databases.path);
    other.prepare('SELECT count(*) FROM conversations').get();
    other.close();
    await assert.rejects(createTestConversation(db), hasReason('database-replaced'));
  });

  it('is noticed when it happens during a write', async () => {
    const db = await databases.open();
    await assert.rejects(db.write(aside), hasReason('database-replaced'));
  });

  it('closes without touching the files of its successor', async () => {
    const db = await databases.open();
    aside();
    const successor = await databases.open();
    await createTestConversation(successor);
    await db.close();
    await createTestConversation(successor);
    assert.equal(databases.raw().prepare('SELECT count(*) FROM conversations').pluck().get(), 2);
  });

  it('leaves its log beside its successor under a name that nobody takes for that one’s', async () => {
    const other = join(databases.directory.path, 'other.db');
    const successor = await Database.open(other, () => []);
    await createTestConversation(successor, 'Successor');
    await successor.close();
    const db = await databases.open();
    await createTestConversation(db, 'Replaced');
    renameSync(other, databases.path);
    await db.close();
    const opened = await databases.open();
    assert.deepEqual(opened.sql('SELECT title FROM conversations').pluck().all(), ['Successor']);
    assert.ok(readdirSync(dirname(databases.path)).some((name) => /^chat\.db\.replaced-\d+-wal$/.test(name)));
  });

  it('that is no database is refused and kept', async () => {
    const db = await databases.open();
    await db.close();
    writeFileSync(databases.path, 'something else entirely, and long enough to have a header of its own '.repeat(9));
    await assert.rejects(
      Database.open(databases.path, () => []),
      hasReason('corrupt'),
    );
  });
});
