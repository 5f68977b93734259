import assert from 'node:assert/strict';
import Sqlite from 'better-sqlite3';
import type { SyncStatus } from '../../../src/protocol/rpc.ts';
import { SCHEMA_VERSION } from '../../../src/store/schema.ts';
import { type Stored, useInstances } from '../../support/instances.ts';
import type { RpcClient } from '../../support/rpcClient.ts';

const newer = SCHEMA_VERSION + 1;

describe('instance on a database of a newer version', () => {
  const instances = useInstances();

  /** A history of one conversation, changed as a newer version would. */
  async function upgraded(sql: string): Promise<string> {
    const { rpc } = await instances.start('Older');
    const { id } = await rpc.request<{ id: string }>('conversation/create', { title: 'Kept' });
    await rpc.request('shutdown');
    await rpc.exited;
    const sqlite = new Sqlite(instances.path);
    sqlite.exec(sql);
    sqlite.close();
    return id;
  }

  const add = (rpc: RpcClient, conversationId: string) =>
    rpc.request<Stored>('message/add', { conversationId, role: 'user', content: 'Hello' });

  it('refuses in words what only newer ones can read, and leaves it as it is', async () => {
    await upgraded(`UPDATE meta SET value = ${newer} WHERE key = 'min_reader'; PRAGMA user_version = ${newer}`);
    const rpc = instances.spawn();
    await assert.rejects(rpc.request('initialize', { databasePath: instances.path, client: 'Older' }), {
      data: { reason: 'newer-database' },
      message: /written by a newer version of DevChat, which this version cannot read\. Update DevChat here\.$/,
    });
    await assert.rejects(rpc.request('conversation/list'), { data: { reason: 'not-initialized' } });
    const sqlite = new Sqlite(instances.path, { readonly: true });
    assert.deepEqual(sqlite.prepare('SELECT title FROM conversations').pluck().all(), ['Kept']);
    sqlite.close();
  });

  it('shows what only newer ones may write, and says why it does not save', async () => {
    const id = await upgraded(
      `UPDATE meta SET value = ${newer} WHERE key = 'min_writer'; PRAGMA user_version = ${newer}`,
    );
    const { rpc } = await instances.start('Older');
    const { conversations } = await rpc.request<{ conversations: unknown[] }>('conversation/list');
    assert.equal(conversations.length, 1);
    await assert.rejects(add(rpc, id), { data: { reason: 'read-only' }, message: /newer version.*Update DevChat/ });
    const { readOnly } = await rpc.request<SyncStatus>('sync/status');
    assert.match(String(readOnly), /newer version/);
  });

  it('reads and writes what newer ones have only added to, beside one another', async () => {
    const id = await upgraded(`PRAGMA user_version = ${newer}; CREATE TABLE added(a TEXT) STRICT;
      ALTER TABLE messages ADD COLUMN mood TEXT NOT NULL DEFAULT 'calm'`);
    const [one, two] = await Promise.all([instances.start('One'), instances.start('Two')]);
    const { seq, content } = await add(one.rpc, id);
    assert.deepEqual([seq, content], [1, 'Hello']);
    await two.rpc.notified('change');
    const range = { conversationId: id, fromSeq: 1, toSeq: 1 };
    const { messages } = await two.rpc.request<{ messages: Stored[] }>('message/range', range);
    assert.deepEqual(
      messages.map((message) => message.content),
      ['Hello'],
    );
    assert.deepEqual(await two.rpc.request('verify'), { problems: [], repaired: [] });
    const sqlite = new Sqlite(instances.path, { readonly: true });
    assert.deepEqual(
      [sqlite.pragma('user_version', { simple: true }), sqlite.prepare('SELECT mood FROM messages').pluck().get()],
      [newer, 'calm'],
    );
    sqlite.close();
  });
});
