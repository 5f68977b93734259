import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import * as v from 'valibot';
import { DevChatError } from '../../../src/protocol/errors.ts';
import { IngestSettings } from '../../../src/protocol/ingest.ts';
import { listPeers, peerSecret, registerPeer } from '../../../src/store/peers.ts';
import { newEndpoint } from '../../../src/sync/peers/endpoint.ts';
import { VirtualClock } from '../../support/clock.ts';
import { useDatabases } from '../../support/database.ts';
import { introduce, listenAt, RawPeer, TestMesh } from '../../support/peers.ts';
import { RpcClient } from '../../support/rpcClient.ts';
import { environmentIn, useEnvironment } from '../../support/tempDirectory.ts';

const program = join(import.meta.dirname, '../../../dist/cli.cjs');

describe('mesh of peers', () => {
  const databases = useDatabases();
  useEnvironment(() => environmentIn(databases.directory));

  async function make(...editors: string[]): Promise<TestMesh[]> {
    const made = await Promise.all(editors.map(async (editor) => new TestMesh(await databases.open(), editor)));
    databases.directory.defer(() => Promise.all(made.map(({ mesh }) => mesh.close())));
    return made;
  }

  async function start(...editors: string[]): Promise<TestMesh[]> {
    const started = await make(...editors);
    for (const { mesh } of started) await mesh.open();
    for (const one of started) await one.until('peers', () => one.peers.length === started.length - 1);
    return started;
  }

  it('connects each with every other, though all start at once', async () => {
    const all = await make('A', 'B', 'C', 'D');
    await Promise.all(all.map(({ mesh }) => mesh.open()));
    for (const one of all) {
      await one.until('peers', () => one.peers.length === 3);
    }
    // Superfluous connections are cut now, and with them may go a nudge.
    const isReached = ({ looks }: TestMesh, index: number) => looks >= (before[index] ?? 0) + 3;
    const before = all.map(({ looks }) => looks);
    while (!all.every(isReached)) {
      for (const { mesh } of all) mesh.nudge(1);
      await nextTurn();
    }
    assert.deepEqual(
      all.map(({ peers }) => peers.join('')),
      ['BCD', 'ACD', 'ABD', 'ABC'],
    );
  });

  it('tells a nudge to every other one, and not to oneself', async () => {
    const [a, b, c] = await start('A', 'B', 'C');
    assert.ok(a && b && c);
    const before = [a.looks, b.looks, c.looks];
    a.mesh.nudge(1);
    await b.until('look', () => b.looks > (before[1] ?? 0));
    await c.until('look', () => c.looks > (before[2] ?? 0));
    assert.equal(a.looks, before[0]);
  });

  it('tells what it has told before it leaves, though it was not connected yet', async () => {
    const [a] = await start('A');
    const [brief] = await make('Brief');
    assert.ok(a && brief);
    await brief.mesh.open();
    brief.mesh.nudge(1);
    assert.deepEqual(brief.peers, []);
    await brief.mesh.close();
    // Once for the connection, which may have come too early, and once for the nudge.
    await a.until('look', () => a.looks === 2);
  });

  it('leaves without a peer that does not answer', async () => {
    const clock = new VirtualClock();
    const brief = new TestMesh(await databases.open(), 'Brief', clock);
    const endpoint = newEndpoint();
    const { promise: dialled, resolve } = Promise.withResolvers<Socket>();
    const silent = await listenAt(endpoint, resolve);
    databases.directory.defer(() => silent.close());
    await registerPeer(await databases.open(), { ...introduce('Silent'), endpoint, startedAt: Date.now() });
    await brief.mesh.open();
    const socket = await dialled;
    databases.directory.defer(() => socket.destroy());
    brief.mesh.nudge(1);
    const closed = brief.mesh.close();
    clock.advance(250);
    socket.resume().on('end', () => socket.end());
    await closed;
  });

  it('asks a peer, and gets its answer, its error, or the end of its link', async () => {
    const [a, b] = await start('A', 'B');
    assert.ok(a && b);
    b.asked = async (method, params) => ({ method, params });
    const ask = (params: unknown) => a.mesh.ask(b.self.instanceId, 'ingest/import', params);
    assert.deepEqual(await ask({ paths: ['x'] }), { method: 'ingest/import', params: { paths: ['x'] } });
    b.asked = async () => {
      throw new DevChatError('not-found', 'there is none');
    };
    await assert.rejects(ask({}), { reason: 'not-found', message: 'there is none' });
    b.asked = () => new Promise(() => undefined);
    const unanswered = assert.rejects(ask({}), { reason: 'not-leader' });
    await b.mesh.close();
    await unanswered;
    await assert.rejects(ask({}), { reason: 'not-leader' });
  });

  it('tells its wish to every peer, also to one that comes later, and the wish goes with its owner', async () => {
    const [a, b] = await start('A', 'B');
    assert.ok(a && b);
    const wish = { folders: ['/one'], settings: v.parse(IngestSettings, {}) };
    a.mesh.wishFor(wish);
    await b.until('wishes', () => b.mesh.wishes.length === 1);
    const [late] = await make('C');
    assert.ok(late);
    await late.mesh.open();
    await late.until('wishes', () => late.mesh.wishes.length === 1);
    assert.deepEqual(late.mesh.wishes, [wish]);
    a.mesh.wishFor(null);
    await b.until('wishes', () => b.mesh.wishes.length === 0);
    a.mesh.wishFor(wish);
    await b.until('wishes', () => b.mesh.wishes.length === 1);
    await a.mesh.close();
    await b.until('peers', () => b.mesh.wishes.length === 0);
  });

  it('looks for changes whenever a peer was connected', async () => {
    const [a, b] = await start('A', 'B');
    assert.ok((a?.looks ?? 0) > 0 && (b?.looks ?? 0) > 0);
  });

  it('forgets one that leaves, with its row and its socket', async () => {
    const [a, b] = await start('A', 'B');
    assert.ok(a && b);
    const { endpoint } = b.record;
    await b.mesh.close();
    await a.until('peers', () => a.peers.length === 0);
    assert.deepEqual(
      listPeers(await databases.open()).map(({ editor }) => editor),
      ['A'],
    );
    if (process.platform !== 'win32') assert.equal(existsSync(endpoint), false);
  });

  it('removes the row and the socket of one that was killed', async () => {
    const [a] = await start('A');
    assert.ok(a);
    const child = new RpcClient(program, ['serve', '--stdio'], {});
    databases.directory.defer(() => child.child.kill('SIGKILL'));
    await child.request('initialize', { databasePath: databases.path, client: 'Victim' });
    await a.until('peers', () => a.peers.includes('Victim'));
    const victim = listPeers(await databases.open()).find(({ editor }) => editor === 'Victim');
    assert.ok(victim);
    let removed = '';
    a.events.on('removed', (id) => {
      removed = id;
    });
    child.child.kill('SIGKILL');
    await a.until('removed', () => removed !== '');
    await nextTurn();
    assert.equal(removed, victim.instanceId);
    assert.equal(existsSync(victim.endpoint), false);
    assert.equal(listPeers(await databases.open()).length, 1);
    await child.exited;
  });

  it('removes the row of one that was killed, though another program has got its process id', async function () {
    // Pipes vanish with their process there.
    if (process.platform === 'win32') this.skip();
    const db = await databases.open();
    const endpoint = newEndpoint();
    const listener = `require('net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))`;
    spawnSync(process.execPath, ['-e', listener, endpoint]);
    assert.ok(existsSync(endpoint));
    await registerPeer(db, { ...introduce('Killed'), pid: process.pid, endpoint, startedAt: Date.now() });
    const [a] = await make('A');
    assert.ok(a);
    let removed = 0;
    a.events.on('removed', () => removed++);
    await a.mesh.open();
    await a.until('removed', () => removed === 1);
    await nextTurn();
    assert.deepEqual([existsSync(endpoint), listPeers(db).map(({ editor }) => editor)], [false, ['A']]);
  });

  it('keeps the row of an instance whose socket it cannot see', async () => {
    const db = await databases.open();
    const elsewhere = { ...introduce('Container'), endpoint: newEndpoint(), startedAt: Date.now() };
    await registerPeer(db, elsewhere);
    await registerPeer(db, { ...introduce('Before boot'), endpoint: newEndpoint(), startedAt: 0 });
    const [a] = await make('A');
    assert.ok(a);
    let removals = 0;
    a.events.on('removed', () => removals++);
    await a.mesh.open();
    await a.until('removed', () => removals > 0);
    assert.deepEqual(
      listPeers(db)
        .map(({ editor }) => editor)
        .sort(),
      ['A', 'Container'],
    );
  });

  it('does not reach the instance of another database that has taken over an address', async () => {
    const db = await databases.open();
    const endpoint = newEndpoint();
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(endpoint, resolve));
    const [a] = await make('A');
    assert.ok(a);
    other.once('connection', (socket) => void socket.end('hello there, this is something else'));
    await registerPeer(db, { ...introduce('Old'), endpoint, startedAt: Date.now() });
    await a.mesh.open();
    await a.until('log', () => a.log.some((line) => line.includes('cut')));
    assert.deepEqual(a.peers, []);
    other.close();
  });

  const strangers: [what: string, act: (peer: RawPeer) => void][] = [
    ['sends garbage', ({ socket }) => void socket.write('GET / HTTP/1.1\r\n\r\n')],
    ['sends a frame that is not JSON', ({ socket }) => void socket.write(Buffer.from([0, 0, 0, 1, 0x7b]))],
    ['announces 4 GB', ({ socket }) => void socket.write(Buffer.from([0xff, 0xff, 0xff, 0xff]))],
    ['floods', ({ socket }) => void socket.write(Buffer.alloc(10_000_000, 0x20))],
    ['echoes', (peer) => void peer.frame(0).then((hello) => peer.send(hello))],
  ];
  for (const [what, act] of strangers) {
    it(`drops a stranger that ${what}, and lives on`, async () => {
      const [a, b] = await start('A', 'B');
      assert.ok(a && b);
      const stranger = await RawPeer.connect(a.record.endpoint);
      act(stranger);
      await stranger.closed;
      const before = a.looks;
      b.mesh.nudge(1);
      await a.until('look', () => a.looks > before);
      assert.deepEqual(a.peers, ['B']);
    });
  }

  it('keeps one connection with two that claim one id, the newer one', async () => {
    const [a] = await start('A');
    assert.ok(a);
    const secret = peerSecret(await databases.open());
    const first = await RawPeer.prove(a.record.endpoint, secret, 'Twin');
    await a.until('peers', () => a.peers.length === 1);
    const second = await RawPeer.prove(a.record.endpoint, secret, 'Twin', first.self);
    await first.closed;
    a.mesh.nudge(7);
    assert.deepEqual(await second.frame(2), { type: 'nudge', changeId: 7 });
    assert.deepEqual(a.peers, ['Twin']);
  });

  it('cannot be led astray by rows of the registry that lead nowhere, to files, or to others', async () => {
    const [a, b] = await start('A', 'B');
    assert.ok(a && b);
    const db = await databases.open();
    const file = newEndpoint();
    writeFileSync(file, 'kept');
    const astray = [
      ...['', '8080', 'relative.sock', '\0abstract', '\\\\elsewhere\\pipe\\devchat', databases.path],
      ...[databases.directory.path, newEndpoint(), `/${'long/'.repeat(100)}${'0'.repeat(20)}.sock`, b.record.endpoint],
    ];
    for (const endpoint of [...astray, file]) {
      await registerPeer(db, { ...introduce('Astray'), endpoint, startedAt: Date.now() });
    }
    const [c] = await make('C');
    assert.ok(c);
    let removed = 0;
    c.events.on('removed', () => removed++);
    await c.mesh.open();
    await c.until('peers', () => c.peers.join('') === 'AB');
    await c.mesh.settled();
    await c.until('removed', () => removed === 1);
    assert.ok(existsSync(file));
    assert.ok(c.log.some((line) => line.includes('answers in its place')));
    assert.deepEqual([b.peers.join(''), b.log.filter((line) => line.includes('disconnected'))], ['AC', []]);
  });

  it('leaves in time though a peer does not read what it was sent', async () => {
    const clock = new VirtualClock();
    const a = new TestMesh(await databases.open(), 'A', clock);
    await a.mesh.open();
    const peer = await RawPeer.prove(a.record.endpoint, peerSecret(await databases.open()));
    await a.until('peers', () => a.peers.length === 1);
    peer.socket.pause();
    const piece = { conversationId: 'c', messageId: 'm', runId: 'r', offset: 0, text: 'x'.repeat(90_000) };
    for (let count = 0; count < 8; count++) a.mesh.stream(piece);
    let hasLeft = false;
    const closed = a.mesh.close().then(() => {
      hasLeft = true;
    });
    // The write of the row that goes ends before this one.
    await databases.open().then((other) => other.write(() => undefined));
    for (let turns = 0; turns < 20; turns++) await nextTurn();
    assert.equal(hasLeft, false);
    clock.advance(2000);
    await closed;
  });

  it('leaves its endpoint behind when the registry cannot forget it, so that its end can be proved', async () => {
    const [a, b] = await start('A', 'B');
    assert.ok(a && b);
    const { endpoint } = b.record;
    b.cannotLeave = true;
    await assert.rejects(b.mesh.close(), /cannot be written/);
    await a.until('peers', () => a.peers.length === 0);
    assert.ok(process.platform === 'win32' || existsSync(endpoint));
    const stranger = await RawPeer.connect(endpoint);
    await stranger.closed;
    b.cannotLeave = false;
  });

  it('drops those that connect beyond the number it can bear, and lets members in again', async () => {
    // Their time does not run out here.
    const a = new TestMesh(await databases.open(), 'A', new VirtualClock());
    databases.directory.defer(() => a.mesh.close());
    await a.mesh.open();
    const crowd = await Promise.all(Array.from({ length: 33 }, () => RawPeer.connect(a.record.endpoint)));
    await Promise.race(crowd.map(({ closed }) => closed));
    const dropped = crowd.filter(({ socket }) => socket.destroyed);
    assert.equal(dropped.length, 1);
    for (const { socket } of crowd) socket.destroy();
    await Promise.all(crowd.map(({ closed }) => closed));
    const member = await RawPeer.prove(a.record.endpoint, peerSecret(await databases.open()));
    await a.until('peers', () => a.peers.includes('Raw'));
    member.socket.destroy();
    await a.until('peers', () => a.peers.length === 0);
  });
});
