import assert from 'node:assert/strict';
import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { createTestConversation, useDatabases } from '../../support/database.ts';

/** Tables and columns that programs outside this repository rely on. */
const contract: Record<string, string[]> = {
  meta: ['key', 'value'],
  conversations: [
    'id',
    'title',
    'source',
    'external_id',
    'authority',
    'last_seq',
    'last_read_seq',
    'revision',
    'created_at',
    'updated_at',
    'deleted_at',
    'pinned_at',
    'archived_at',
    'tags',
    'parent_id',
    'branched_from',
    'purged_at',
  ],
  messages: [
    'row_id',
    'id',
    'conversation_id',
    'seq',
    'role',
    'author',
    'content',
    'parts',
    'status',
    'model',
    'revision',
    'created_at',
    'updated_at',
    'deleted_at',
  ],
  change_log: [
    'id',
    'change_type',
    'conversation_id',
    'message_id',
    'seq',
    'new_title',
    'patch',
    'revision',
    'origin_instance_id',
    'created_at',
  ],
  chat_sync_state: [
    'conversation_id',
    'local_min_seq',
    'local_max_seq',
    'message_count',
    'last_known_backend_seq',
    'sync_state',
    'last_validated_at',
  ],
  peers: ['instance_id', 'endpoint', 'pid', 'editor', 'version', 'started_at'],
};

describe('schema of a new database', () => {
  const databases = useDatabases();

  for (const [table, columns] of Object.entries(contract)) {
    it(`has the table ${table} with its columns`, async () => {
      await databases.open();
      const found = databases.raw().prepare('SELECT name FROM pragma_table_info(?)').pluck().all(table);
      const extra = table === 'change_log' ? ['txn'] : [];
      assert.deepEqual([...found].sort(), [...columns, ...extra].sort());
    });
  }

  it('has no table that nobody knows', async () => {
    await databases.open();
    const tables = databases
      .raw()
      .prepare(
        `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT GLOB 'message_index*' AND name NOT GLOB 'ingest_*'`,
      )
      .pluck()
      .all();
    assert.deepEqual(
      [...tables].sort(),
      [
        ...Object.keys(contract),
        'blob_uses',
        'blobs',
        'hub_entities',
        'hub_link',
        'hub_outbox',
        'leader',
        'memberships',
        'streams',
        'sqlite_sequence',
        'usage',
      ].sort(),
    );
  });

  it('starts with the values that every reader needs', async () => {
    await databases.open();
    const meta = new Map(
      databases.raw().prepare<[], [string, string]>('SELECT key, value FROM meta').raw().all() as [string, string][],
    );
    assert.deepEqual([...meta.keys()].sort(), [
      'db_epoch',
      'min_reader',
      'min_writer',
      'peer_secret',
      'pruned_through',
    ]);
    assert.deepEqual([meta.get('min_reader'), meta.get('min_writer'), meta.get('pruned_through')], ['1', '1', '0']);
    assert.match(meta.get('peer_secret') ?? '', /^[0-9a-f]{64}$/);
    assert.match(meta.get('db_epoch') ?? '', /^[0-9a-f-]{36}$/);
  });

  it('refuses a second message under one number and a sync state that does not exist', async () => {
    const db = await databases.open();
    const { id } = await createTestConversation(db);
    const raw = databases.raw();
    const insert = raw.prepare(
      `INSERT INTO messages(id, conversation_id, seq, role, content, status, created_at, updated_at)
       VALUES (?, ?, 1, 'user', '', 'complete', 0, 0)`,
    );
    insert.run('a', id);
    assert.throws(() => insert.run('b', id), /UNIQUE/);
    const state = raw.prepare('INSERT INTO chat_sync_state(conversation_id, sync_state) VALUES (?, ?)');
    assert.throws(() => state.run(id, 'FINE'), /CHECK/);
  });

  it('never gives the number of a removed change again', async () => {
    const db = await databases.open();
    await createTestConversation(db);
    databases.raw().exec('DELETE FROM change_log');
    await createTestConversation(db);
    assert.equal(databases.raw().prepare('SELECT id FROM change_log').pluck().get(), 2);
  });
});

describe('open database', () => {
  const databases = useDatabases();

  it('writes ahead and waits for the disk at every commit', async () => {
    const db = await databases.open();
    assert.equal(db.sql('SELECT journal_mode FROM pragma_journal_mode').pluck().get(), 'wal');
    assert.equal(db.sql('SELECT synchronous FROM pragma_synchronous').pluck().get(), 2);
    assert.equal(db.sql('SELECT foreign_keys FROM pragma_foreign_keys').pluck().get(), 1);
  });

  it('waits for a lock only briefly at a time, because nothing else goes on meanwhile', async () => {
    const db = await databases.open();
    assert.equal(db.sql('SELECT timeout FROM pragma_busy_timeout').pluck().get(), 20);
  });

  it('is for its user alone, whatever the umask', async function () {
    if (process.platform === 'win32') this.skip();
    const umask = process.umask(0);
    try {
      const db = await databases.open();
      await createTestConversation(db);
    } finally {
      process.umask(umask);
    }
    const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);
    assert.equal(mode(dirname(databases.path)), '700');
    for (const suffix of ['', '-wal', '-shm']) assert.equal(mode(databases.path + suffix), '600', suffix);
  });

  it('leaves the mode of a directory alone that was there before', async function () {
    if (process.platform === 'win32') this.skip();
    mkdirSync(dirname(databases.path), { mode: 0o755 });
    await databases.open();
    assert.equal(statSync(dirname(databases.path)).mode & 0o777, 0o755);
  });
});
