import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { v7 as uuid } from 'uuid';
import { listConversations } from '../../../src/store/conversations.ts';
import { messageRange } from '../../../src/store/messages.ts';
import { migrate } from '../../../src/store/migrate.ts';
import { purgeConversations, removePurged } from '../../../src/store/purge.ts';
import { migrations } from '../../../src/store/schema.ts';
import { verify } from '../../../src/store/verify.ts';
import { origin, useDatabases } from '../../support/database.ts';

const program = join(import.meta.dirname, '../../support/dyingMigrationProgram.ts');

/** The schema before conversations could be pinned, and what brings it to the next one. */
const before = migrations.slice(0, 2);
const step = migrations[2] ?? '';
const blob = 'b'.repeat(64);

describe('migration of a database without order among conversations', () => {
  const databases = useDatabases();
  const id = uuid();
  const [first, second] = [uuid(), uuid()];

  /** A database of the schema before, with rows. */
  function setUp(): void {
    mkdirSync(dirname(databases.path), { recursive: true });
    const sqlite = new Sqlite(databases.path);
    sqlite.pragma('journal_mode = WAL');
    migrate(sqlite, before);
    sqlite.exec(`
      INSERT INTO conversations(id, title, source, last_seq, created_at, updated_at)
        VALUES ('${id}', 'Talk', 'chat', 2, 1, 2);
      INSERT INTO messages(id, conversation_id, seq, role, content, parts, status, created_at, updated_at)
        VALUES ('${first}', '${id}', 1, 'user', 'text', NULL, 'complete', 1, 1),
               ('${second}', '${id}', 2, 'user', 'image', jsonb('[{"type":"image","hash":"${blob}"},"other",{"hash":"x"}]'),
                'complete', 2, 2);
      INSERT INTO chat_sync_state(conversation_id, local_min_seq, local_max_seq, message_count, last_known_backend_seq)
        VALUES ('${id}', 1, 2, 2, 2);
      INSERT INTO blobs(hash, media_type, size, content) VALUES ('${blob}', 'image/png', 1, x'00')`);
    sqlite.close();
  }

  async function assertMigrated(): Promise<void> {
    const db = await databases.open();
    const [conversation, ...others] = listConversations(db, true).conversations;
    assert.deepEqual(
      [conversation, others],
      [
        {
          ...{ id, title: 'Talk', source: 'chat', externalId: null, lastSeq: 2, lastReadSeq: 2, unread: 0 },
          ...{ pinnedAt: null, archivedAt: null, tags: [], parentId: null, branchedFrom: null, revision: 2 },
          ...{ createdAt: 1, updatedAt: 2, deletedAt: null, purgedAt: null, origin: null },
        },
        [],
      ],
    );
    const { messages } = messageRange(db, { conversationId: id, fromSeq: 1, toSeq: 9 });
    assert.deepEqual(
      messages.map(({ content }) => content),
      ['text', 'image'],
    );
    assert.deepEqual(db.sql('SELECT message_id, hash FROM blob_uses').raw().all(), [[second, blob]]);
    assert.deepEqual(await verify(db, origin, false), { problems: [], repaired: [] });
    await db.close();
  }

  it('keeps every row, takes what is there for read, and finds out which blobs are needed', async () => {
    setUp();
    await assertMigrated();
    const db = await databases.open();
    await purgeConversations(db, origin, [id]);
    await removePurged(db, (body) => db.write(body));
    assert.equal(db.sql('SELECT count(*) FROM blobs').pluck().get(), 0);
  });

  it('is made whole by the next one, whichever two of its statements it was killed between', async () => {
    const statements = step.split(';').filter((statement) => statement.trim() !== '');
    assert.ok(statements.length > 10);
    for (let count = 0; count <= statements.length; count++) {
      setUp();
      const words = [program, databases.path, JSON.stringify(before), JSON.stringify(statements), `${count}`];
      const { signal, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8' });
      assert.equal(signal, 'SIGKILL', stderr);
      const sqlite = new Sqlite(databases.path, { readonly: true });
      assert.equal(sqlite.pragma('user_version', { simple: true }), 2);
      sqlite.close();
      await assertMigrated();
      rmSync(dirname(databases.path), { recursive: true });
    }
  }).timeout(60_000);

  it('does not fail because of parts that are damaged', async () => {
    setUp();
    const sqlite = new Sqlite(databases.path);
    sqlite.prepare(`UPDATE messages SET parts = x'ffff' WHERE id = ?`).run(first);
    sqlite.close();
    const db = await databases.open();
    assert.equal(listConversations(db, true).conversations.length, 1);
  });
});
