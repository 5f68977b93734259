import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { peerSecret, registerPeer } from '../../../src/store/peers.ts';
import { newEndpoint } from '../../../src/sync/peers/endpoint.ts';
import { encodeFrame } from '../../../src/sync/peers/frames.ts';
import { Handshake } from '../../../src/sync/peers/handshake.ts';
import { VirtualClock } from '../../support/clock.ts';
import { useDatabases } from '../../support/database.ts';
import { introduce, listenAt, newNonce, RawPeer, TestMesh } from '../../support/peers.ts';
import { environmentIn, useEnvironment } from '../../support/tempDirectory.ts';

const BEAT = 1000;

describe('heartbeat of a mesh', () => {
  const databases = useDatabases();
  useEnvironment(() => environmentIn(databases.directory));
  let clock: VirtualClock;

  /** A mesh on a clock of the test, and a raw peer that it takes for a sibling. */
  async function setUp() {
    clock = new VirtualClock();
    const db = await databases.open();
    const own = new TestMesh(db, 'Own', clock);
    databases.directory.defer(() => own.mesh.close());
    await own.mesh.open();
    const peer = await RawPeer.prove(own.record.endpoint, peerSecret(db));
    await own.until('peers', () => own.peers.length === 1);
    return { own, peer };
  }

  const beat = () => clock.advance(BEAT);

  it('asks for a sign of life, and cuts a peer that gives none', async () => {
    const { own, peer } = await setUp();
    beat();
    assert.deepEqual(await peer.frame(2), { type: 'ping' });
    for (let silent = 2; silent <= 4; silent++) beat();
    await own.until('peers', () => own.peers.length === 0);
    assert.ok(own.log.some((line) => line.includes('silent')));
    await peer.closed;
  });

  it('keeps a peer that answers', async () => {
    const { own, peer } = await setUp();
    for (let beats = 1; beats <= 5; beats++) {
      beat();
      assert.deepEqual(await peer.frame(1 + beats), { type: 'ping' });
      // What comes after the answer shows that the answer has come.
      const { looks } = own;
      peer.send({ type: 'pong' });
      peer.send({ type: 'nudge', changeId: beats });
      await own.until('look', () => own.looks > looks);
    }
    assert.deepEqual(own.peers, ['Raw']);
  });

  it('answers a peer that asks', async () => {
    const { peer } = await setUp();
    peer.send({ type: 'ping' });
    assert.deepEqual(await peer.frame(2), { type: 'pong', cursor: 0 });
  });

  it('blames nobody for a sleep of the machine, and looks for what it missed', async () => {
    const { own, peer } = await setUp();
    const { looks } = own;
    clock.sleep(3_600_000);
    clock.advance(0);
    assert.equal(own.looks, looks + 1);
    assert.deepEqual(await peer.frame(2), { type: 'ping' });
    assert.deepEqual(own.peers, ['Raw']);
  });

  it('puts its own row back when somebody removed it', async () => {
    const { own } = await setUp();
    const { endpoint } = own.record;
    const db = await databases.open();
    await db.write(() => db.sql('DELETE FROM peers').run());
    assert.throws(() => own.record);
    beat();
    // The write that was asked for last ends last.
    await databases.open().then((other) => other.write(() => undefined));
    assert.equal(own.record.endpoint, endpoint);
  });

  it('puts its own row right when it leads elsewhere', async () => {
    const { own } = await setUp();
    const { endpoint } = own.record;
    const db = await databases.open();
    await registerPeer(db, { ...own.record, endpoint: newEndpoint() });
    beat();
    await databases.open().then((other) => other.write(() => undefined));
    assert.equal(own.record.endpoint, endpoint);
  });

  for (const [what, protocol, outdated] of [
    ['newer', { min: 2, max: 3 }, 'Own'],
    ['older', { min: 0, max: 0 }, 'Other'],
  ] as const) {
    it(`refuses a much ${what} peer, says once what to update, and dials it only now and then`, async () => {
      const { own } = await setUp();
      const db = await databases.open();
      const other = introduce('Other');
      const endpoint = newEndpoint();
      let dials = 0;
      const server = await listenAt(endpoint, (socket) => {
        dials++;
        const { hello } = new Handshake('listener', peerSecret(db), other, newNonce());
        socket.write(encodeFrame({ ...hello, protocol }));
      });
      databases.directory.defer(() => server.close());
      await registerPeer(db, { ...other, endpoint, startedAt: Date.now() });
      for (let beats = 0; beats < 20; beats++) {
        beat();
        await own.mesh.settled();
      }
      assert.equal(dials, 3);
      const complaints = own.log.filter((line) => line.includes(`Update DevChat Sync in ${outdated}`));
      assert.deepEqual([complaints.length, own.peers.includes('Other')], [1, false]);
    });
  }

  it('connects with a newer peer that still speaks this protocol, and skips frames it does not know', async () => {
    const { own } = await setUp();
    const secret = peerSecret(await databases.open());
    const said = { protocol: { min: 1, max: 9 }, features: ['x'] };
    const newer = await RawPeer.prove(own.record.endpoint, secret, 'Newer', introduce('Newer'), said);
    await own.until('peers', () => own.peers.length === 2);
    const { looks } = own;
    newer.send({ type: 'from the future', changeId: 1 });
    newer.send({ type: 'nudge', changeId: 1 });
    await own.until('look', () => own.looks > looks);
    assert.deepEqual([own.looks, own.peers], [looks + 1, ['Newer', 'Raw']]);
  });

  it('dials a frozen peer now and then, and complains of it once until it is back', async () => {
    const { own, peer } = await setUp();
    const endpoint = newEndpoint();
    let dials = 0;
    const frozen = await listenAt(endpoint, (socket) => {
      dials++;
      socket.end('no hello at all');
    });
    databases.directory.defer(() => frozen.close());
    await registerPeer(await databases.open(), { ...peer.self, endpoint, startedAt: Date.now() });
    const complaints = () => own.log.filter((line) => line.includes('cut')).length;
    for (let silent = 1; silent <= 4; silent++) beat();
    await own.until('peers', () => own.peers.length === 0);
    assert.equal(own.mesh.liveness(peer.self.instanceId), 'dead');
    await own.mesh.settled();
    for (let beats = 1; beats <= 9; beats++) {
      beat();
      // Time for a dial that must not be.
      await delay(10);
    }
    assert.equal(dials, 2);
    beat();
    await own.mesh.settled();
    assert.deepEqual([dials, complaints()], [3, 1]);
    const again = await RawPeer.prove(own.record.endpoint, peerSecret(await databases.open()), 'Raw', peer.self);
    await own.until('peers', () => own.peers.length === 1);
    again.socket.write('this is no frame');
    await own.until('log', () => complaints() === 2);
  });

  it('takes for dead whom it has never heard, and who says nothing when it is dialled twice', async () => {
    const { own } = await setUp();
    const frozen = introduce('Frozen');
    const endpoint = newEndpoint();
    const dials = new EventEmitter();
    const server = await listenAt(endpoint, (socket) => socket.once('data', () => dials.emit('dial')));
    databases.directory.defer(() => server.close());
    await registerPeer(await databases.open(), { ...frozen, endpoint, startedAt: Date.now() });
    let dialled = once(dials, 'dial');
    beat();
    await dialled;
    dialled = once(dials, 'dial');
    for (let beats = 1; beats <= 2; beats++) beat();
    await dialled;
    assert.equal(own.mesh.liveness(frozen.instanceId), 'unknown');
    for (let beats = 1; beats <= 2; beats++) beat();
    await own.until('peers', () => own.mesh.liveness(frozen.instanceId) === 'dead');
    const woken = await RawPeer.prove(own.record.endpoint, peerSecret(await databases.open()), 'Frozen', frozen);
    await own.until('peers', () => own.peers.includes('Frozen'));
    assert.equal(own.mesh.liveness(frozen.instanceId), 'alive');
    woken.socket.destroy();
  });
});
