import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import Sqlite from 'better-sqlite3';
import { APPLICATION_ID } from '../../../src/store/schema.ts';
import { createTestConversation, hasReason, useDatabases } from '../../support/database.ts';

describe('file that the database is to be opened in', () => {
  const databases = useDatabases();

  beforeEach(() => mkdirSync(dirname(databases.path), { mode: 0o755 }));

  /** Everything about the directory that opening could have changed. */
  const state = () =>
    readdirSync(dirname(databases.path)).map((name) => {
      const path = `${dirname(databases.path)}/${name}`;
      return [name, statSync(path).mode, readFileSync(path).toString('base64')];
    });

  function foreign(sql: string): void {
    const sqlite = new Sqlite(databases.path);
    sqlite.exec(sql);
    sqlite.close();
    chmodSync(databases.path, 0o644);
  }

  const foreignFiles: [what: string, sql: string][] = [
    ['has another application id', 'PRAGMA application_id = 7'],
    ['has tables and no version', 'CREATE TABLE notes(x)'],
    ['has tables and a version of its own', 'CREATE TABLE notes(x); PRAGMA user_version = 3'],
    ['writes ahead itself', 'PRAGMA journal_mode = WAL; CREATE TABLE notes(x)'],
  ];
  for (const [what, sql] of foreignFiles) {
    it(`is refused and stays as it is when it ${what}`, async () => {
      foreign(sql);
      const before = state();
      await assert.rejects(databases.open(), {
        reason: 'bad-request',
        message: `The file ${databases.path} is a database of another program. Nothing was changed.`,
      });
      assert.deepEqual(state(), before);
    });
  }

  it('keeps its log too when another program is using it', async () => {
    const sqlite = new Sqlite(databases.path);
    databases.directory.defer(() => sqlite.close());
    sqlite.exec('PRAGMA journal_mode = WAL; CREATE TABLE notes(x)');
    const log = readFileSync(`${databases.path}-wal`);
    await assert.rejects(databases.open(), hasReason('bad-request'));
    assert.deepEqual(readFileSync(`${databases.path}-wal`), log);
  });

  for (const text of ['short', 'something else entirely '.repeat(99)]) {
    it(`is refused and stays as it is when it is no database but ${text.length} bytes of text`, async () => {
      writeFileSync(databases.path, text, { mode: 0o644 });
      const before = state();
      await assert.rejects(databases.open(), {
        reason: 'corrupt',
        message: `The file ${databases.path} is not a database. Nothing was changed.`,
      });
      assert.deepEqual(state(), before);
    });
  }

  it('becomes a database when it is empty, and keeps its mode', async () => {
    writeFileSync(databases.path, '', { mode: 0o640 });
    await createTestConversation(await databases.open());
    assert.equal(databases.raw().pragma('application_id', { simple: true }), APPLICATION_ID);
    if (process.platform !== 'win32') assert.equal(statSync(databases.path).mode & 0o777, 0o640);
  });

  it('is known though it was made before there was an application id', async () => {
    await (await databases.open()).close();
    databases.raw().pragma('application_id = 0');
    await createTestConversation(await databases.open());
  });

  it('is known by several that open it first at the same moment', async () => {
    const opened = await Promise.all([1, 2, 3, 4].map(() => databases.open()));
    for (const db of opened) await createTestConversation(db);
  });

  it('is refused, its mode unchanged, when it may not be written', async function () {
    // The superuser may write everything.
    if (process.platform === 'win32' || process.getuid?.() === 0) this.skip();
    await (await databases.open()).close();
    chmodSync(databases.path, 0o400);
    const refused = { reason: 'read-only', message: new RegExp(databases.path) };
    await assert.rejects(databases.open(), refused);
    assert.equal(statSync(databases.path).mode & 0o777, 0o400);
    chmodSync(databases.path, 0o600);
    chmodSync(dirname(databases.path), 0o500);
    databases.directory.defer(() => chmodSync(dirname(databases.path), 0o700));
    await assert.rejects(databases.open(), refused);
  });

  it('is refused with its path when it is a directory', async () => {
    mkdirSync(databases.path);
    await assert.rejects(databases.open(), { reason: 'read-only', message: new RegExp(databases.path) });
    assert.ok(existsSync(databases.path));
  });
});
