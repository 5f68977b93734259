import assert from 'node:assert/strict';
import { once } from 'node:events';
import Sqlite from 'better-sqlite3';
import { v7 as uuid } from 'uuid';
import type { Notifications } from '../../../src/protocol/rpc.ts';
import { useClients } from '../../support/clients.ts';
import { hasReason } from '../../support/database.ts';

describe('resync of a conversation whose authority is the database', () => {
  const clients = useClients();

  async function setUp(count: number) {
    const { client } = await clients.start();
    const { id: conversationId } = await client.request('conversation/create', {});
    for (let index = 0; index < count; index++) {
      await client.request('message/add', { conversationId, role: 'user', content: `text ${index}` });
    }
    const resync = () => client.request('sync/resync', { conversationId });
    const raw = new Sqlite(clients.path);
    clients.directory.defer(() => raw.close());
    const recorded = () => raw.prepare('SELECT sync_state, last_known_backend_seq FROM chat_sync_state').raw().get();
    return { client, conversationId, resync, raw, recorded };
  }

  it('finds that nothing is missing, records it and says so', async () => {
    const { client, conversationId, resync, recorded } = await setUp(3);
    const told = once(client.events, 'syncState') as Promise<[Notifications['syncState']]>;
    const nothing = { fetchedRanges: [], fetched: 0 };
    assert.deepEqual(await resync(), { state: 'SYNCED', reason: 'validated', ...nothing });
    assert.deepEqual(recorded(), ['SYNCED', 3]);
    const [state] = await told;
    const atRest = { isValidating: false, isFetching: false, fetched: 0, wanted: 0 };
    assert.deepEqual(state, { conversationId, state: 'SYNCED', reason: 'validated', ...atRest });
  });

  it('finds a gap, and fetches nothing, because nobody has more', async () => {
    const { client, resync, raw, recorded } = await setUp(3);
    raw.prepare('DELETE FROM messages WHERE seq = 2').run();
    const nothing = { fetchedRanges: [], fetched: 0 };
    assert.deepEqual(await resync(), { state: 'OUT_OF_SYNC', reason: 'gap_detected', ...nothing });
    assert.deepEqual([recorded(), client.state], [['OUT_OF_SYNC', 3], 'ready']);
  });

  it('knows an empty conversation, one that holds more than was given, and one that does not exist', async () => {
    const { client, resync, raw } = await setUp(0);
    assert.deepEqual((await resync()).reason, 'no_messages');
    const { id: conversationId } = await client.request('conversation/create', {});
    await client.request('message/add', { conversationId, role: 'user', content: 'text' });
    raw.prepare('UPDATE conversations SET last_seq = 0 WHERE id = ?').run(conversationId);
    assert.equal((await client.request('sync/resync', { conversationId })).reason, 'sequence_mismatch');
    await assert.rejects(client.request('sync/resync', { conversationId: uuid() }), hasReason('not-found'));
  });

  it('answers in a history that may only be read, and records nothing', async () => {
    const { conversationId, raw, recorded } = await setUp(2);
    const before = recorded();
    raw.prepare(`UPDATE meta SET value = '99' WHERE key = 'min_writer'`).run();
    const { client } = await clients.start();
    const { state, reason } = await client.request('sync/resync', { conversationId });
    assert.deepEqual([state, reason, recorded()], ['SYNCED', 'validated', before]);
  });

  it('rebuilds the search index, and says from how many messages', async () => {
    const { client } = await setUp(3);
    assert.deepEqual(await client.request('search/rebuild', {}), { messages: 3 });
    assert.equal((await client.request('search', { query: 'text' })).hits.length, 3);
  });
});
