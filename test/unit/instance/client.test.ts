import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { truncateSync } from 'node:fs';
import { mock } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { v7 as uuid } from 'uuid';
import { type TestClient, until, useClients } from '../../support/clients.ts';
import { hasReason } from '../../support/database.ts';
import { FakeInstance } from '../../support/fakeInstance.ts';

describe('client of an instance', () => {
  const clients = useClients();

  const stopped = hasReason('instance-stopped');

  /** Keeps the running process from answering, so that what is sent now is still unanswered when it is killed. */
  const freeze = ({ client }: TestClient) => process.kill(client.pid ?? 0, 'SIGSTOP');
  const kill = ({ client }: TestClient) => process.kill(client.pid ?? 0, 'SIGKILL');

  beforeEach(function () {
    // There is nothing like SIGSTOP there.
    if (process.platform === 'win32') this.skip();
  });

  it('answers requests that were made while it started', async () => {
    const { client, states } = clients.make();
    client.start();
    assert.equal(client.state, 'starting');
    const { id } = await client.request('conversation/create', { title: 'Talk' });
    assert.deepEqual([client.state, states, client.session?.databasePath], ['ready', ['ready'], clients.path]);
    const { conversations } = await client.request('conversation/list', {});
    assert.deepEqual([conversations.map((one) => one.id), client.session?.lastChangeId], [[id], 0]);
  });

  it('sends each request once, and those that waited before any that others make when it is ready', async () => {
    const fake = new FakeInstance();
    clients.directory.defer(() => fake.close());
    const asked: string[] = [];
    fake.answer('search', ({ query }) => {
      asked.push(query);
      return { hits: [] };
    });
    fake.client.events.on('state', () => void fake.client.request('search', { query: 'when ready' }));
    fake.client.start();
    await Promise.all(['first', 'second'].map((query) => fake.client.request('search', { query })));
    await fake.settled();
    assert.deepEqual(asked, ['first', 'second', 'when ready']);
  });

  it('passes on what the instance tells, and the reasons it gives', async () => {
    const one = await clients.start();
    const two = await clients.start();
    const told: string[] = [];
    two.client.events.on('change', ({ changes }) => told.push(...changes.map(({ changeType }) => changeType)));
    const { id } = await one.client.request('conversation/create', {});
    await until(two.client.events, 'change', () => told.length > 0);
    assert.deepEqual(told, ['ConversationCreated']);
    const missing = one.client.request('conversation/delete', { conversationId: uuid() });
    await assert.rejects(missing, hasReason('not-found'));
    const refused = one.client.request('message/range', { conversationId: id, fromSeq: -1, toSeq: 0 });
    await assert.rejects(refused, hasReason('bad-request'));
  });

  it('stores every message once and in order though the process is killed again and again', async () => {
    const started = await clients.start();
    const { client, reached, children } = started;
    const { id: conversationId } = await client.request('conversation/create', {});
    const contents = Array.from({ length: 120 }, (_, index) => `${index}`);
    let answered = 0;
    const adds = contents.map(async (content) => {
      const message = await client.request('message/add', { conversationId, role: 'user', content });
      answered++;
      if (answered === 10 || answered === 60) kill(started);
      return message;
    });
    const stored = await Promise.all(adds);
    assert.deepEqual(
      stored.map(({ seq, content }) => [seq, content]),
      contents.map((content, index) => [index + 1, content]),
    );
    const { messages } = await client.request('message/range', { conversationId, fromSeq: 1, toSeq: 500 });
    assert.deepEqual(messages, stored);
    await reached('ready');
    assert.equal(children.length, 3);
  });

  it('goes on though the shared index of the log is cut short, which kills the process that reads it', async () => {
    const { client, children, reached } = await clients.start();
    const { id: conversationId } = await client.request('conversation/create', {});
    const ended = once(children[0] ?? client.events, 'exit');
    truncateSync(`${clients.path}-shm`);
    const message = await client.request('message/add', { conversationId, role: 'user', content: 'text' });
    assert.deepEqual([message.seq, await ended], [1, [null, 'SIGBUS']]);
    await reached('ready');
    assert.equal(children.length, 2);
  });

  it('sends again what may be sent again, and says so of what may not', async () => {
    const started = await clients.start();
    const { client, states } = started;
    const { id: conversationId } = await client.request('conversation/create', { title: 'Talk' });
    freeze(started);
    const add = client.request('message/add', { conversationId, role: 'user', content: 'text' });
    const rename = client.request('conversation/rename', { conversationId, title: 'Other' });
    const list = client.request('conversation/list', {});
    const created = client.request('conversation/create', { title: 'Second' });
    kill(started);
    await assert.rejects(rename, stopped);
    assert.equal((await add).seq, 1);
    assert.equal((await created).title, 'Second');
    assert.ok((await list).conversations.length >= 1);
    const after = await client.request('conversation/list', {});
    assert.deepEqual(after.conversations.map(({ title, lastSeq }) => [title, lastSeq]).sort(), [
      ['Second', 0],
      ['Talk', 1],
    ]);
    assert.deepEqual(states, ['ready', 'restarting', 'ready']);
  });

  it('keeps what comes while it restarts until the instance is there again', async () => {
    const started = await clients.start();
    const { client, reached } = started;
    const { id: conversationId } = await client.request('conversation/create', {});
    kill(started);
    await reached('restarting');
    const renamed = await client.request('conversation/rename', { conversationId, title: 'Other' });
    assert.equal(renamed.title, 'Other');
  });

  it('does not wait for an answer for ever', async () => {
    const started = await clients.start();
    const { client } = started;
    freeze(started);
    mock.timers.enable({ apis: ['setTimeout'] });
    try {
      const late = client.request('sync/status', {});
      mock.timers.tick(30_000);
      await assert.rejects(late, hasReason('timeout'));
    } finally {
      mock.timers.reset();
    }
  });

  it('lets the process leave its peers and end when it is disposed of', async () => {
    const [one, two] = [await clients.start(), await clients.start()];
    const [child] = two.children;
    assert.ok(child);
    let peers = Number.NaN;
    one.client.events.on('status', (status) => {
      peers = status.peers.length;
    });
    await until(one.client.events, 'status', () => peers === 1);
    const exit = once(child, 'exit');
    await two.client.dispose();
    assert.deepEqual(await exit, [0, null]);
    await until(one.client.events, 'status', () => peers === 0);
    await assert.rejects(two.client.request('sync/status', {}), stopped);
    await two.client.dispose();
    assert.equal(two.children.length, 1);
  });

  it('leaves no timer behind when the process ends in the middle of a message', async () => {
    const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
    const code = `process.stdout.write('Content-Length: 100\\r\\n\\r\\n{')`;
    const started = clients.make(() => spawn(process.execPath, ['-e', code], { stdio: ['pipe', 'pipe', 'pipe'] }));
    // The runner starts the clock of this test when its first part is over.
    await nextTurn();
    const before = timers();
    started.client.start();
    await started.reached('restarting');
    await started.client.dispose();
    assert.equal(timers(), before);
  });

  it('rejects what still waits when it is disposed of', async () => {
    const started = await clients.start();
    freeze(started);
    const waiting = assert.rejects(started.client.request('sync/status', {}), stopped);
    const disposal = started.client.dispose();
    kill(started);
    await Promise.all([waiting, disposal]);
  });
});
