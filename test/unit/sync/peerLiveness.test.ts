import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { peerSecret, registerPeer } from '../../../src/store/peers.ts';
import { newEndpoint } from '../../../src/sync/peers/endpoint.ts';
import { ManualClock } from '../../support/clock.ts';
import { useDatabases } from '../../support/database.ts';
import { RawPeer, TestMesh } from '../../support/peers.ts';
import { environmentIn, useEnvironment } from '../../support/tempDirectory.ts';

const BEAT = 1000;

describe('heartbeat of a mesh', () => {
  const databases = useDatabases();
  useEnvironment(() => environmentIn(databases.directory));
  let clock: ManualClock;

  /** A mesh on a clock of the test, and a raw peer that it takes for a sibling. */
  async function setUp() {
    clock = new ManualClock();
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

  it('dials a frozen peer now and then, and complains of it once until it is back', async () => {
    const { own, peer } = await setUp();
    const endpoint = newEndpoint();
    let dials = 0;
    const frozen = createServer((socket) => {
      dials++;
      socket.on('error', () => undefined);
      socket.end('no hello at all');
    });
    await new Promise<void>((resolve) => frozen.listen(endpoint, resolve));
    databases.directory.defer(() => frozen.close());
    await registerPeer(await databases.open(), { ...peer.self, endpoint, startedAt: Date.now() });
    const complaints = () => own.log.filter((line) => line.includes('cut')).length;
    for (let silent = 1; silent <= 4; silent++) beat();
    await own.until('peers', () => own.peers.length === 0);
    await own.mesh.settled();
    for (let beats = 1; beats <= 9; beats++) {
      beat();
      // Time for a dial that must not be.
      await delay(10);
    }
    assert.equal(dials, 1);
    beat();
    await own.mesh.settled();
    assert.deepEqual([dials, complaints()], [2, 1]);
    const again = await RawPeer.prove(own.record.endpoint, peerSecret(await databases.open()), 'Raw', peer.self);
    await own.until('peers', () => own.peers.length === 1);
    again.socket.write('this is no frame');
    await own.until('log', () => complaints() === 2);
  });
});
