import assert from 'node:assert/strict';
import { existsSync, rmSync } from 'node:fs';
import { Checkpoints } from '../../../src/store/checkpoints.ts';
import type { Database } from '../../../src/store/database.ts';
import { useDatabases } from '../../support/database.ts';

/** Adds rows that fill a page of 4 KiB each. */
const fill = (db: Database, pages: number) =>
  db.write(() => {
    db.sql('CREATE TABLE IF NOT EXISTS filler(content BLOB)').run();
    for (let count = 0; count < pages; count++) db.sql('INSERT INTO filler VALUES (zeroblob(4000))').run();
  });

describe('checkpoints in a thread', () => {
  const databases = useDatabases();

  async function setUp() {
    const db = await databases.open();
    // Only the thread writes back.
    db.sql('PRAGMA wal_autocheckpoint = 0').all();
    const logged: string[] = [];
    const checkpoints = new Checkpoints(db, (_, text) => logged.push(text));
    return { db, checkpoints, logged };
  }

  it('leave a short log alone, and write a long one back', async () => {
    const { db, checkpoints, logged } = await setUp();
    await fill(db, 500);
    checkpoints.committed();
    await checkpoints.close();
    assert.ok(db.logLength() >= 500);
    await fill(db, 2000);
    checkpoints.committed();
    await checkpoints.close();
    assert.deepEqual([db.logLength(), logged], [0, []]);
  });

  it('go on in a new thread after the last one was ended', async () => {
    const { db, checkpoints } = await setUp();
    for (let round = 1; round <= 2; round++) {
      await fill(db, 2500);
      checkpoints.committed();
      // One that is under way is enough.
      checkpoints.committed();
      await checkpoints.close();
      assert.equal(db.logLength(), 0);
    }
  });

  it('have ended when their end was waited for, also if somebody has ended them before', async () => {
    const { db, checkpoints } = await setUp();
    await fill(db, 2500);
    checkpoints.committed();
    void checkpoints.close();
    await checkpoints.close();
    await db.close();
    // The last one who has the database open removes its log.
    assert.equal(existsSync(`${databases.path}-wal`), false);
  });

  it('say what hinders them, and are tried again', async () => {
    const { db, checkpoints, logged } = await setUp();
    await fill(db, 2500);
    rmSync(databases.path);
    for (let count = 1; count <= 2; count++) {
      checkpoints.committed();
      await checkpoints.close();
      assert.equal(logged.length, count);
      assert.match(logged.at(-1) ?? '', /was not written back: .*unable to open/);
    }
  });
});
