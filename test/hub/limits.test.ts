import assert from 'node:assert/strict';
import { once } from 'node:events';
import { TokenBucket } from '../../src/hub/tokenBucket.ts';
import { CLOSE_CODES, MAX_PULL, MAX_PUSH_CHANGES } from '../../src/protocol/hub.ts';
import { edit, newConversation, newMessage, numbers } from './support/changes.ts';
import { get, metric, useHubs } from './support/hubs.ts';

describe('limits', () => {
  const hubs = useHubs();

  it('of a frame’s size: larger ones end the connection', async () => {
    const client = await hubs.connect(await hubs.start({ frameBytes: 10_000 }));
    client.send({ type: 'ack_changes', padding: 'x'.repeat(9000) });
    await client.pull(0);
    client.send({ type: 'ack_changes', padding: 'x'.repeat(10_000) });
    assert.equal((await client.closed).code, 1009);
  });

  it('of changes in a push, operations in a patch, and events in a pull', async () => {
    const client = await hubs.connect(await hubs.start());
    const many = numbers(1, MAX_PUSH_CHANGES + 1).map(() => newConversation());
    assert.equal((await client.ask({ type: 'push', changes: many }, 'error')).code, 'bad_frame');
    assert.equal((await client.push(many.slice(1))).length, MAX_PUSH_CHANGES);
    const [first] = many.slice(1);
    const operations = numbers(1, 101).map(() => ({ op: 'replace' as const, path: '/title', value: 'x' }));
    assert.equal(
      (await client.ask({ type: 'push', changes: [edit(first ?? assert.fail(), operations)] }, 'error')).code,
      'bad_frame',
    );
    assert.equal(
      (await client.ask({ type: 'get_changes_since', last_sequence: 0, limit: MAX_PULL + 1 }, 'error')).code,
      'bad_frame',
    );
    assert.equal((await client.ask({ type: 'push', changes: [] }, 'error')).code, 'bad_frame');
  });

  it('of frames per second: a flood ends the connection', async () => {
    const client = await hubs.connect(await hubs.start({ framesPerSecond: 1, frameBurst: 10 }));
    for (let index = 0; index < 20; index++) client.send({ type: 'get_changes_since', last_sequence: 0 });
    assert.equal((await client.closed).code, CLOSE_CODES.rate_limited);
  });

  it('of requests per second, for each token', async () => {
    const hub = await hubs.start({ requestsPerSecond: 0.001, requestBurst: 3 });
    const [token, other] = [await hubs.token(), await hubs.token()];
    const statuses = [];
    for (let index = 0; index < 4; index++) statuses.push((await get(hub, '/chat/conversations', token)).status);
    assert.deepEqual(statuses, [200, 200, 200, 429]);
    assert.equal((await get(hub, '/chat/conversations', other)).status, 200);
  });

  it('of sessions: per token, per workspace, and in all', async () => {
    const hub = await hubs.start({ sessionsPerToken: 2, sessionsPerWorkspace: 3, sessions: 4 });
    const [one, two, three, elsewhere] = [
      await hubs.token('w'),
      await hubs.token('w'),
      await hubs.token('w'),
      await hubs.token(),
    ];
    const first = await hubs.connect(hub, one);
    await hubs.connect(hub, one);
    await assert.rejects(hubs.dial(hub, one), /429/u);
    await hubs.connect(hub, two);
    await assert.rejects(hubs.dial(hub, three), /429/u);
    await hubs.connect(hub, elsewhere);
    await assert.rejects(hubs.dial(hub, elsewhere), /429/u);
    // A place that is left can be taken.
    first.socket.close();
    await first.closed;
    while ((await metric(hub, 'devchat_hub_sessions')) > 3);
    await hubs.connect(hub, three);
  });

  it('of connections: more are not accepted', async () => {
    const hub = await hubs.start({ connections: 1 });
    const token = await hubs.token();
    const first = await hubs.connect(hub, token);
    await assert.rejects(hubs.dial(hub, token));
    assert.equal((await first.pull(0)).type, 'changes');
  });

  it('of tokens that are looked up at a time: the others may come again', async () => {
    const hub = await hubs.start({ authentications: 0 });
    const token = await hubs.token();
    assert.equal((await get(hub, '/chat/conversations', token)).status, 503);
    await assert.rejects(hubs.dial(hub, token), /503/u);
  });

  it('of what waits to be sent: who does not read is cut off and catches up by pulling', async () => {
    const hub = await hubs.start({ sendQueueBytes: 1_000_000, pingInterval: 200 });
    const token = await hubs.token();
    const slow = await hubs.connect(hub, token);
    const conversation = newConversation();
    await slow.push([conversation]);
    for (const _ of numbers(1, 3)) await slow.push([newMessage(conversation.entity_id, 'x'.repeat(900_000))]);
    slow.socket.pause();
    for (const _ of numbers(1, 30)) slow.send({ type: 'get_changes_since', last_sequence: 0 });
    while ((await metric(hub, 'devchat_hub_sessions')) > 0);
    assert.equal(await metric(hub, 'devchat_hub_refusals_total{reason="slow_client"}'), 1);
    slow.socket.resume();
    await slow.closed;
    const again = await hubs.connect(hub, token);
    assert.equal((await again.pullAll()).length, 4);
  });

  it('of pieces of streams for who does not keep up: they are left out, and nobody is cut off', async () => {
    const hub = await hubs.start({ streamQueueBytes: 0 });
    const token = await hubs.token();
    const [writer, reader] = [await hubs.connect(hub, token), await hubs.connect(hub, token)];
    writer.send({ type: 'stream', piece: { conversationId: 'c', messageId: 'm', runId: 'r', offset: 0, text: 'x' } });
    await writer.push([newConversation()]);
    await reader.hint(1);
    assert.ok(!reader.frames.some(({ type }) => type === 'stream'));
  });

  it('of the time until “hello”, and of what comes before it', async () => {
    const hub = await hubs.start({ helloTimeout: 50 });
    const silent = await hubs.dial(hub, await hubs.token());
    assert.equal((await silent.closed).code, CLOSE_CODES.hello_required);
    const hasty = await hubs.dial(hub, await hubs.token());
    hasty.send({ type: 'get_changes_since', last_sequence: 0 });
    assert.equal((await hasty.closed).code, CLOSE_CODES.hello_required);
    const future = await hubs.dial(hub, await hubs.token());
    future.send({ type: 'hello', protocol: 99 });
    assert.equal((await future.closed).code, CLOSE_CODES.unsupported_protocol);
    const welcome = await hubs.connect(hub);
    assert.equal((await welcome.pull(0)).type, 'changes');
  });

  it('of silence: who does not answer a ping is cut off, who does stays', async () => {
    const hub = await hubs.start({ pingInterval: 50 });
    const [frozen, idle] = [await hubs.connect(hub), await hubs.connect(hub)];
    frozen.socket.pause();
    while ((await metric(hub, 'devchat_hub_sessions')) > 1);
    await once(idle.socket, 'ping');
    assert.equal((await idle.pull(0)).type, 'changes');
  });

  it('of patience with frames that make no sense: they are answered, and binary ones end the connection', async () => {
    const client = await hubs.connect(await hubs.start());
    for (const frame of [
      '',
      'null',
      '[]',
      '{}',
      '{"type":"from the future"}',
      '{"type":"push","changes":[{}]}',
      '\u0000',
      `${'['.repeat(50_000)}`,
    ]) {
      client.send(frame);
    }
    await client.pull(0);
    assert.equal(client.frames.filter((frame) => frame.type === 'error' && frame.code === 'bad_frame').length, 8);
    client.socket.send(Buffer.from([1, 2, 3]));
    assert.equal((await client.closed).code, CLOSE_CODES.bad_frame);
  });

  it('of a rate come back with time', () => {
    const bucket = new TokenBucket(2, 3, 0);
    const take = (now: number) => bucket.take(now);
    assert.deepEqual([0, 0, 0, 0, 499, 500, 501, 60_000, 60_000, 60_000, 60_000].map(take), [
      true,
      true,
      true,
      false,
      false,
      true,
      false,
      true,
      true,
      true,
      false,
    ]);
  });
});
