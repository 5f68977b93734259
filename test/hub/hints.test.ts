import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Fastify from 'fastify';
import pg from 'pg';
import { Database } from '../../src/hub/database.ts';
import { startEmbedded } from '../../src/hub/embedded/embedded.ts';
import { DEFAULT_LIMITS } from '../../src/hub/limits.ts';
import { Notifications } from '../../src/hub/notifications.ts';
import { createToken } from '../../src/hub/tokens.ts';
import { CLOSE_CODES } from '../../src/protocol/hub.ts';
import { newConversation, numbers } from './support/changes.ts';
import { get, metric, type TestHub, useHubs } from './support/hubs.ts';
import { TestProxy } from './support/proxy.ts';

/** Times that let a test wait for what otherwise takes seconds. */
const impatient = { listenHeartbeat: 50, listenTimeout: 500, statementTimeout: 500 };

describe('hints', () => {
  const hubs = useHubs();

  async function isListening(hub: TestHub, expected: boolean): Promise<void> {
    while (((await metric(hub, 'devchat_hub_listening')) === 1) !== expected);
  }

  async function proxied(): Promise<TestProxy> {
    const proxy = await TestProxy.start(hubs.database.hubUrl);
    hubs.defer(() => proxy.close());
    return proxy;
  }

  /** Ends the connections that the hubs listen on. */
  async function endListeners(): Promise<void> {
    await hubs.database.owner.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'devchat-hub' AND datname = current_database()
         AND (query LIKE 'LISTEN%' OR query = 'SELECT 1')`,
    );
  }

  /** Has the epoch told by another statement, until the end of the test. */
  async function replaceEpoch(statement: string): Promise<void> {
    const { owner } = hubs.database;
    const { rows } = await owner.query(`SELECT pg_get_functiondef('hub_epoch'::regproc) AS definition`);
    hubs.defer(() => owner.query(rows[0].definition));
    await owner.query(rows[0].definition.replace(/AS \$function\$.*\$function\$/su, () => `AS $$ ${statement} $$`));
  }

  it('reach the clients of every hub, and only those of the workspace', async () => {
    const [one, other] = [await hubs.start(), await hubs.start()];
    const token = await hubs.token();
    const [writer, near, far] = [
      await hubs.connect(one, token),
      await hubs.connect(one, token),
      await hubs.connect(other, token),
    ];
    const stranger = await hubs.connect(other);
    await writer.push([newConversation(), newConversation()]);
    for (const client of [writer, near, far]) await client.hint(2);
    await stranger.push([newConversation()]);
    await stranger.hint(1);
    assert.equal(stranger.frames.filter(({ type }) => type === 'changes_available').length, 1);
  });

  it('are few however many pushes there are at a time, and the last one comes', async () => {
    const { ownerUrl, hubUrl } = hubs.database;
    const listener = new pg.Client(ownerUrl);
    await listener.connect();
    const payloads: (string | undefined)[] = [];
    listener.on('notification', ({ payload }) => payloads.push(payload));
    await listener.query('LISTEN devchat_changes');
    const { log } = Fastify();
    const database = new Database(hubUrl, 20_000, (error) => assert.fail(error));
    const notifications = new Notifications(hubUrl, database, DEFAULT_LIMITS, log, {
      changed: () => undefined,
      revoked: () => undefined,
      connected: () => undefined,
    });
    for (const sequence of numbers(1, 1000))
      for (const workspace of ['a', 'b']) notifications.announce(workspace, sequence);
    await notifications.close();
    await database.close();
    await listener.query('SELECT 1');
    await listener.end();
    assert.deepEqual(payloads, ['a:1', 'b:1000,a:1000']);
  });

  it('come once for what a client has not pulled', async () => {
    const hub = await hubs.start();
    const token = await hubs.token();
    const [writer, reader] = [await hubs.connect(hub, token), await hubs.connect(hub, token)];
    await writer.push([newConversation()]);
    await reader.pull(0);
    await writer.push([newConversation()]);
    await reader.hint(2);
    // The hub's own notification of the same has come meanwhile or comes now.
    await writer.push([newConversation()]);
    await reader.hint(3);
    const hints = reader.frames.flatMap((frame) => (frame.type === 'changes_available' ? [frame.latest_sequence] : []));
    assert.deepEqual(hints, [1, 2, 3]);
  });

  it('are not lost to a client whose welcome is under way', async () => {
    const hub = await hubs.start();
    const token = await hubs.token();
    const writer = await hubs.connect(hub, token);
    const newcomer = await hubs.dial(hub, token);
    const { owner } = hubs.database;
    await replaceEpoch('SELECT pg_advisory_xact_lock(7)::text');
    await owner.query('SELECT pg_advisory_lock(7)');
    const welcome = newcomer.hello();
    // What the newcomer will be told is settled, but not told yet.
    while ((await owner.query(`SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted`)).rowCount === 0);
    await writer.push([newConversation()]);
    await owner.query('SELECT pg_advisory_unlock(7)');
    assert.equal((await welcome).latest_sequence, 0);
    await newcomer.hint(1);
  });

  it('may all be lost: whoever pulls has everything, and a client is told when the hub listens again', async () => {
    const proxy = await proxied();
    const [one, other] = [await hubs.start(), await hubs.start(impatient, proxy.through(hubs.database.hubUrl))];
    const token = await hubs.token();
    const [writer, reader] = [await hubs.connect(one, token), await hubs.connect(other, token)];
    await endListeners();
    await writer.push([newConversation()]);
    await reader.hint(1);
    assert.equal((await reader.pullAll()).length, 1);
  });

  it('are not believed after the database was replaced: the clients connect again and see another epoch', async () => {
    const hub = await hubs.start(impatient);
    const token = await hubs.token();
    const client = await hubs.connect(hub, token);
    const { hub_epoch } = await client.hello();
    await replaceEpoch(`SELECT 'restored'`);
    await endListeners();
    assert.equal((await client.closed).code, CLOSE_CODES.going_away);
    const again = await (await hubs.dial(hub, token)).hello();
    assert.deepEqual([again.hub_epoch, hub_epoch !== 'restored'], ['restored', true]);
  });

  it('come again after the connection that they come on has fallen silent', async () => {
    const proxy = await proxied();
    const [one, other] = [await hubs.start(), await hubs.start(impatient, proxy.through(hubs.database.hubUrl))];
    const token = await hubs.token();
    const [writer, reader] = [await hubs.connect(one, token), await hubs.connect(other, token)];
    proxy.swallow();
    const noticed = proxy.dialled();
    await writer.push([newConversation()]);
    await noticed;
    await reader.hint(1);
    await isListening(other, true);
    await writer.push([newConversation()]);
    await reader.hint(2);
  });

  it('come, and pushes go, after PostgreSQL was restarted', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'devchat-restart-'));
    hubs.defer(() => rmSync(folder, { recursive: true }));
    const first = await startEmbedded(folder);
    const proxy = await TestProxy.start(first.hubUrl);
    const all = [
      await hubs.start(impatient, proxy.through(first.hubUrl)),
      await hubs.start(impatient, proxy.through(first.hubUrl)),
    ] as const;
    hubs.defer(() => proxy.close());
    const owner = new pg.Client(first.ownerUrl);
    await owner.connect();
    const token = await createToken(owner, 'team', 'ann');
    await owner.end();
    const [writer, reader] = [await hubs.connect(all[0], token), await hubs.connect(all[1], token)];
    const conversation = newConversation();
    await writer.push([conversation]);
    await first.stop();
    assert.equal((await get(all[0], '/healthz')).status, 503);
    const failed = await writer.ask({ type: 'push', changes: [newConversation()] }, 'error');
    assert.equal(failed.code, 'unavailable');
    const second = await startEmbedded(folder);
    hubs.defer(() => second.stop());
    proxy.lead(second.hubUrl);
    for (const hub of all) await isListening(hub, true);
    assert.equal((await get(all[0], '/healthz')).status, 200);
    await writer.push([newConversation()]);
    await reader.hint(2);
    assert.equal((await reader.pullAll()).length, 2);
  });

  it('carry pieces of streams to the other clients of the hub', async () => {
    const hub = await hubs.start();
    const token = await hubs.token();
    const [writer, reader, stranger] = [
      await hubs.connect(hub, token),
      await hubs.connect(hub, token),
      await hubs.connect(hub),
    ];
    const piece = { conversationId: 'c', messageId: 'm', runId: 'r', offset: 0, text: 'canary' };
    writer.send({ type: 'stream', piece });
    assert.deepEqual(await reader.find(({ type }) => type === 'stream'), { type: 'stream', piece });
    await stranger.pull(0);
    await writer.pull(0);
    for (const client of [stranger, writer]) assert.ok(!client.frames.some(({ type }) => type === 'stream'));
  });
});
