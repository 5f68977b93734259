import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { type Stored, useInstances } from '../../support/instances.ts';

describe('life of an instance', () => {
  const instances = useInstances();

  const look = <T>(query: string): T => {
    const sqlite = new Sqlite(instances.path, { readonly: true });
    try {
      return sqlite.prepare(query).pluck().all() as T;
    } finally {
      sqlite.close();
    }
  };
  const sockets = () => readdirSync(join(instances.directory.path, 'run', 'devchat'));

  it('ends with success when told to, after the answer', async () => {
    const { rpc } = await instances.start();
    assert.equal(await rpc.request('shutdown'), null);
    assert.deepEqual(await rpc.exited, { code: 0, signal: null });
    assert.deepEqual([look('SELECT instance_id FROM peers'), rpc.stderr.includes('error')], [[], false]);
  });

  it('ends with success when its input ends, and leaves neither row nor socket', async () => {
    const { rpc, session } = await instances.start();
    assert.deepEqual(look('SELECT instance_id FROM peers'), [session.instanceId]);
    if (process.platform !== 'win32') assert.equal(sockets().length, 1);
    rpc.child.stdin.end();
    assert.deepEqual(await rpc.exited, { code: 0, signal: null });
    assert.deepEqual(look('SELECT instance_id FROM peers'), []);
    if (process.platform !== 'win32') assert.deepEqual(sockets(), []);
  });

  it('finishes what it was asked before its input ends', async () => {
    const { rpc } = await instances.start();
    const { id: conversationId } = await rpc.request<{ id: string }>('conversation/create');
    for (let index = 0; index < 20; index++) {
      void rpc.request('message/add', { conversationId, role: 'user', content: `${index}` }).catch(() => undefined);
    }
    await rpc.request('shutdown');
    await rpc.exited;
    assert.deepEqual(look('SELECT last_seq FROM conversations'), [20]);
  });

  it('leaves nothing behind when its input ends right after it was told to end', async () => {
    const { rpc } = await instances.start();
    // Whether the answer still comes is a matter of luck.
    rpc.request('shutdown').catch(() => undefined);
    rpc.child.stdin.end();
    assert.deepEqual(await rpc.exited, { code: 0, signal: null });
    assert.deepEqual(look('SELECT instance_id FROM peers'), []);
  });

  it('ends when its input ends before it was initialized', async () => {
    const rpc = instances.spawn();
    rpc.child.stdin.end();
    assert.deepEqual(await rpc.exited, { code: 0, signal: null });
  });

  it('loses nothing that it acknowledged when it is killed in the middle', async () => {
    for (const killAfter of [1, 40, 150, 400]) {
      const { rpc } = await instances.start();
      const { id: conversationId } = await rpc.request<{ id: string }>('conversation/create');
      const acknowledged: Stored[] = [];
      const ids = Array.from({ length: 500 }, () => randomUUID());
      const adds = ids.map((id) =>
        rpc.request<Stored>('message/add', { conversationId, id, role: 'user', content: `text of ${id}` }).then(
          (message) => {
            acknowledged.push(message);
            if (acknowledged.length === killAfter) rpc.child.kill('SIGKILL');
          },
          () => undefined,
        ),
      );
      await rpc.exited;
      await Promise.all(adds);
      assert.ok(acknowledged.length >= killAfter && acknowledged.length < ids.length);
      const stored = look<string[]>(`SELECT json_object('id', id, 'seq', seq, 'content', content) FROM messages
        WHERE conversation_id = '${conversationId}' ORDER BY seq`).map((row) => JSON.parse(row) as Stored);
      assert.deepEqual(
        stored.map(({ id, seq, content }) => [id, seq, content]),
        ids.slice(0, stored.length).map((id, index) => [id, index + 1, `text of ${id}`]),
      );
      for (const { id, seq } of acknowledged) assert.equal(stored[seq - 1]?.id, id);
      assert.deepEqual(
        look(`SELECT message_id FROM change_log WHERE change_type = 'MessageAdded'
          AND conversation_id = '${conversationId}' ORDER BY id`),
        stored.map(({ id }) => id),
      );
      assert.deepEqual(look('PRAGMA integrity_check'), ['ok']);
      assert.deepEqual(look(`SELECT count(*) FROM message_index WHERE message_index MATCH 'text'`), [
        look<number[]>('SELECT count(*) FROM messages')[0],
      ]);
    }
  }).timeout(60_000);
});
