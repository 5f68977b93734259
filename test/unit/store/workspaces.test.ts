import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { deleteConversation, updateConversation } from '../../../src/store/conversations.ts';
import { Database } from '../../../src/store/database.ts';
import { locateDatabase } from '../../../src/store/location.ts';
import { migrate } from '../../../src/store/migrate.ts';
import { migrations, SCHEMA_VERSION } from '../../../src/store/schema.ts';
import { listWorkspaces, workspaceConversations } from '../../../src/store/workspaces.ts';
import { addTestMessage, createTestConversation, hasReason, origin } from '../../support/database.ts';
import { useTempDirectory } from '../../support/tempDirectory.ts';

describe('list of all workspaces', () => {
  const directory = useTempDirectory();

  const home = () => join(directory.path, 'home');

  /** The path of the database for new folders. */
  function locate(...names: string[]): string {
    const folders = names.map((name) => join(directory.path, name));
    for (const folder of folders) mkdirSync(folder);
    return locateDatabase(home(), folders, 'user');
  }

  async function open(...names: string[]): Promise<Database> {
    const db = await Database.open(locate(...names), () => []);
    directory.defer(() => db.close());
    return db;
  }

  const problems = () => listWorkspaces(home()).map(({ problem }) => problem);

  it('tells of each where it is, what is in it and when it was last changed', async () => {
    assert.deepEqual(listWorkspaces(home()), []);
    const [db, empty] = [await open('one'), await open()];
    locate('never opened');
    const [shown, archived, deleted] = [
      await createTestConversation(db, 'Shown'),
      await createTestConversation(db, 'Archived'),
      await createTestConversation(db, 'Deleted'),
    ];
    await addTestMessage(db, shown.id, 'text');
    await updateConversation(db, origin, { conversationId: archived.id, archived: true });
    await deleteConversation(db, origin, deleted.id);
    const [first, second, ...others] = listWorkspaces(home());
    assert.deepEqual(others, []);
    assert.ok(first?.lastActivity && Math.abs(first.lastActivity - Date.now()) < 60_000);
    const { id, lastActivity, ...rest } = first;
    const path = db.path;
    assert.deepEqual(rest, {
      folders: [join(directory.path, 'one')],
      formerFolders: [],
      isInUse: true,
      databasePath: path,
      conversations: 1,
      problem: null,
    });
    assert.deepEqual([second?.folders, second?.databasePath, second?.lastActivity], [[], empty.path, null]);
    assert.equal(second?.isInUse, true);
    const { title, lastSeq } = workspaceConversations(home(), id)[0] ?? {};
    assert.deepEqual([title, lastSeq, workspaceConversations(home(), id).length], ['Shown', 1, 1]);
    assert.throws(() => workspaceConversations(home(), randomUUID()), hasReason('not-found'));
  });

  it('reads what others are writing, and keeps nobody from it', async () => {
    const db = await open('one');
    await createTestConversation(db, 'First');
    await db.write(() => {
      db.sql(`UPDATE conversations SET title = 'Later'`).run();
      const [{ id = '' } = {}] = listWorkspaces(home());
      assert.equal(workspaceConversations(home(), id)[0]?.title, 'First');
    });
    assert.equal((await createTestConversation(db, 'Second')).title, 'Second');
  });

  it('changes nothing: an older database is not even migrated', () => {
    const path = locate('old');
    mkdirSync(join(path, '..'), { recursive: true });
    const sqlite = new Sqlite(path);
    migrate(sqlite, migrations.slice(0, 1));
    sqlite.exec(
      `INSERT INTO conversations(id, title, source, created_at, updated_at) VALUES ('a', 'Old', 'chat', 1, 2)`,
    );
    sqlite.close();
    const [before, { mtimeMs }] = [readFileSync(path), statSync(path)];
    const [{ id = '', conversations, lastActivity } = {}] = listWorkspaces(home());
    assert.deepEqual([conversations, lastActivity], [1, 2]);
    assert.equal(workspaceConversations(home(), id)[0]?.title, 'Old');
    assert.deepEqual([readFileSync(path).equals(before), statSync(path).mtimeMs], [true, mtimeMs]);
  });

  it('names the histories that cannot be read, and goes on with the others', async () => {
    const [damaged, newer, sound] = [await open('damaged'), await open('newer'), await open('sound')];
    for (const db of [damaged, newer, sound]) {
      await createTestConversation(db);
      await db.close();
    }
    truncateSync(damaged.path, 5000);
    const sqlite = new Sqlite(newer.path);
    sqlite.exec(`UPDATE meta SET value = ${SCHEMA_VERSION + 1} WHERE key = 'min_reader'`);
    sqlite.close();
    const told = problems();
    assert.equal(told.length, 3);
    assert.equal(told.filter((problem) => problem === null).length, 1);
    assert.ok(told.some((problem) => /damaged/.test(problem ?? '')));
    assert.ok(told.some((problem) => /newer version/.test(problem ?? '')));
    const failed = listWorkspaces(home()).filter(({ problem }) => problem !== null);
    for (const { id } of failed) {
      assert.throws(
        () => workspaceConversations(home(), id),
        (error: { reason?: string }) => ['corrupt', 'newer-database'].includes(error.reason ?? ''),
      );
    }
  });
});
