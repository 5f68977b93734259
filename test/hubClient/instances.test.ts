import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import type { Conversation, Message } from '../../src/protocol/model.ts';
import type { HubStatus, SyncStatus } from '../../src/protocol/rpc.ts';
import { useHubs } from '../hub/support/hubs.ts';
import { useInstances } from '../support/instances.ts';
import type { RpcClient, RpcError } from '../support/rpcClient.ts';

describe('instances on a hub', () => {
  const hubs = useHubs();
  const [here, there] = [useInstances(), useInstances()];

  /** Resolves when an instance says that it is connected and has nothing left to tell. */
  const connected = (rpc: RpcClient) =>
    rpc.notified<SyncStatus>('status', ({ hub }) => hub?.state === 'connected' && hub.waiting === 0);

  const contentChanged = (rpc: RpcClient, content: string) =>
    rpc.notified<{ messages: Message[] }>('change', ({ messages }) => messages.some((one) => one.content === content));

  async function create(rpc: RpcClient): Promise<string> {
    const { id } = await rpc.request<Conversation>('conversation/create', {});
    const shared = await rpc.request<Conversation>('conversation/share', { conversationId: id, isShared: true });
    assert.equal(shared.isShared, true);
    return id;
  }

  const send = (rpc: RpcClient, conversationId: string, content: string) =>
    rpc.request<Message>('message/add', { conversationId, role: 'user', content });

  it('pass on what is written in any window of one machine to any window of another one', async () => {
    const { url } = await hubs.start();
    const hub = { url, token: await hubs.token() };
    const windows = [];
    for (const machine of [here, here, there, there]) windows.push((await machine.start('test', { hub })).rpc);
    const [first, second, third, fourth] = windows as [RpcClient, RpcClient, RpcClient, RpcClient];
    await Promise.all([connected(first), connected(third)]);
    const id = await create(second);
    await send(second, id, 'from the second window');
    await Promise.all([first, third, fourth].map((rpc) => contentChanged(rpc, 'from the second window')));
    await send(fourth, id, 'from the fourth window');
    await Promise.all([first, second, third].map((rpc) => contentChanged(rpc, 'from the fourth window')));
    const range = { conversationId: id, fromSeq: 1, toSeq: 9 };
    const numbered = await second.request<{ messages: Message[] }>('message/range', range);
    assert.deepEqual(
      numbered.messages.map(({ seq, content }) => [seq, content]),
      [
        [1, 'from the second window'],
        [2, 'from the fourth window'],
      ],
    );
    const status = await second.request<HubStatus>('hub/status');
    assert.equal(status.state, 'connected');
    const resynced = await second.request<{ state: string }>('sync/resync', { conversationId: id });
    assert.equal(resynced.state, 'SYNCED');
    assert.ok(windows.every(({ stderr }) => !stderr.includes(hub.token)));
  });

  it('go on with the connection of a window that was killed', async () => {
    const { url } = await hubs.start();
    const hub = { url, token: await hubs.token() };
    const { rpc: leader } = await here.start('test', { hub });
    await connected(leader);
    const { rpc: follower } = await here.start('test', { hub });
    const { rpc: far } = await there.start('test', { hub });
    await connected(far);
    const id = await create(follower);
    await send(follower, id, 'before');
    await contentChanged(far, 'before');
    leader.child.kill('SIGKILL');
    await send(follower, id, 'after');
    await contentChanged(far, 'after');
  });

  it('say how they are connected when that is otherwise than before, and only then', async () => {
    const { url } = await hubs.start();
    const { rpc } = await here.start('test', { hub: { url, token: await hubs.token() } });
    await connected(rpc);
    const { id } = await rpc.request<Conversation>('conversation/create', {});
    for (const content of ['one', 'two', 'three']) await send(rpc, id, content);
    await send(rpc, await create(rpc), 'shared');
    await rpc.notified<SyncStatus>('status', ({ hub }) => hub?.sequence === 2 && hub.waiting === 0);
    const told = rpc.notifications
      .filter(({ method }) => method === 'status')
      .map(({ params }) => params as SyncStatus)
      .map(({ peers, leader, hub }) => JSON.stringify({ peers, leader, hub }));
    assert.deepEqual(
      told,
      told.filter((status, index) => status !== told[index - 1]),
    );
  });

  it('show a reply as it is written on another machine', async () => {
    const { url } = await hubs.start();
    const hub = { url, token: await hubs.token() };
    const { rpc: near } = await here.start('test', { hub });
    const { rpc: far } = await there.start('test', { hub });
    await Promise.all([connected(near), connected(far)]);
    const conversationId = await create(near);
    const { id: messageId } = await near.request<Message>('stream/start', { conversationId });
    await far.notified<{ messages: Message[] }>('change', ({ messages }) =>
      messages.some(({ id }) => id === messageId),
    );
    await near.request('stream/append', { messageId, text: 'piece by piece' });
    const { text } = await far.notified<{ text: string }>('stream');
    assert.equal(text, 'piece by piece');
    await near.request('stream/finish', { messageId });
    const isComplete = ({ messages }: { messages: Message[] }) => messages.some(({ status }) => status === 'complete');
    await far.notified<{ messages: Message[] }>('change', isComplete);
  });

  it('say why a hub cannot be used', async () => {
    const { rpc } = await here.start();
    const hub = await hubs.start();
    const strangers = createServer((_, response) => response.writeHead(200).end('hello')).listen(0, '127.0.0.1');
    await once(strangers, 'listening');
    hubs.defer(() => strangers.close());
    const silent = createTlsServer({}).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    hubs.defer(() => silent.close());
    const portOf = (server: { address(): unknown }) => (server.address() as AddressInfo).port;
    const token = await hubs.token();
    const wrong = token.replace(/.$/u, (last) => (last === 'A' ? 'B' : 'A'));
    const cases = [
      [{ url: 'http://127.0.0.1:1', token }, 'offline', /nothing listens/u],
      [{ url: 'http://hub.invalid', token }, 'offline', /no such computer|resolved/u],
      [{ url: hub.url, token: wrong }, 'refused', /does not accept the token/u],
      [{ url: `${hub.url}/wiki`, token }, 'not-found', /has nothing at this path/u],
      [{ url: `http://127.0.0.1:${portOf(strangers)}`, token }, 'bad-request', /is no hub/u],
      [{ url: hub.url.replace('http', 'https'), token }, 'refused', /certificate|trusted/u],
      [{ url: 'ftp://hub', token }, 'bad-request', /must begin with/u],
      [{ url: hub.url, token: 'two words' }, 'bad-request', /blanks/u],
    ] as const;
    for (const [settings, reason, text] of cases) {
      await assert.rejects(rpc.request('hub/connect', settings), (error: RpcError) => {
        assert.deepEqual(
          [(error.data as { reason: string }).reason, settings.url],
          [reason, settings.url],
          error.message,
        );
        assert.match(error.message, text);
        return true;
      });
    }
    assert.equal(await rpc.request('hub/status'), null);
    const found = await rpc.request<{ userId: string }>('hub/connect', { url: hub.url, token });
    assert.equal(found.userId, 'ann');
    await connected(rpc);
    await rpc.request('hub/disconnect');
    assert.equal(await rpc.request('hub/status'), null);
  });

  it('keep a conversation to themselves that is not shared any more', async () => {
    const { url } = await hubs.start();
    const hub = { url, token: await hubs.token(), share: 'all' };
    const { rpc: near } = await here.start('test', { hub });
    const { rpc: far } = await there.start('test', { hub: { ...hub, share: 'none' } });
    await Promise.all([connected(near), connected(far)]);
    const { id } = await near.request<Conversation>('conversation/create', {});
    await send(near, id, 'shared');
    await contentChanged(far, 'shared');
    await near.request('conversation/share', { conversationId: id, isShared: false });
    const { seq, isPending } = await send(near, id, 'private');
    assert.deepEqual([seq, isPending], [2, undefined]);
    const other = randomUUID();
    await near.request('conversation/create', { id: other });
    await send(near, other, 'shared again');
    await contentChanged(far, 'shared again');
    const range = await far.request<{ messages: Message[] }>('message/range', {
      conversationId: id,
      fromSeq: 1,
      toSeq: 9,
    });
    assert.deepEqual(
      range.messages.map(({ content }) => content),
      ['shared'],
    );
  });
});
