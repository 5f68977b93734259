import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { mock } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { databaseSyncStore } from '../../../src/instance/databaseSyncStore.ts';
import type { StreamPiece } from '../../../src/protocol/model.ts';
import type { Viewers } from '../../../src/protocol/rpc.ts';
import type { Database } from '../../../src/store/database.ts';
import type { LeaderRecord } from '../../../src/store/leader.ts';
import { listPeers, peerSecret, registerPeer } from '../../../src/store/peers.ts';
import { beginStream } from '../../../src/store/streams.ts';
import { Handshake } from '../../../src/sync/peers/handshake.ts';
import { systemPlatform } from '../../../src/sync/platform.ts';
import { SyncEngine } from '../../../src/sync/syncEngine.ts';
import type { SyncStore } from '../../../src/sync/syncStore.ts';
import { VirtualClock } from '../../support/clock.ts';
import { addTestMessage, createTestConversation, hasReason, useDatabases } from '../../support/database.ts';
import { introduce, newNonce, RawPeer } from '../../support/peers.ts';
import { environmentIn, useEnvironment } from '../../support/tempDirectory.ts';

const SECOND = 1000;

/** How long a piece of a stream waits for more, in ms. */
const GATHERING = 12;

/** An engine on a real database and real sockets, on a clock of the test, with everything that it told. */
class TestEngine {
  readonly self = introduce('Own');
  readonly clock = new VirtualClock();
  readonly messages: string[] = [];
  readonly failures: unknown[] = [];
  readonly store: SyncStore;
  readonly engine: SyncEngine;
  /** What the owner does with pieces of streams. */
  streamed: (piece: StreamPiece) => void = () => undefined;
  readonly #db: Database;
  readonly #told = new EventEmitter();
  /** Every answer to what others see, oldest first. */
  readonly viewers: Viewers[][] = [];
  /** What the owner does when peers or leader are others. */
  statusChanged: () => void = () => undefined;

  constructor(db: Database) {
    this.#db = db;
    this.store = databaseSyncStore(db, this.self.instanceId, () => undefined, assert.fail);
    const tell = () => void this.#told.emit('told');
    this.engine = new SyncEngine(
      this.self,
      this.store,
      {
        changed: ({ messages }) => {
          this.messages.push(...messages.map(({ content }) => content));
          tell();
        },
        lost: () => assert.fail('nothing was pruned'),
        streamed: (piece) => this.streamed(piece),
        statusChanged: () => {
          tell();
          this.statusChanged();
        },
        presenceChanged: (viewers) => {
          this.viewers.push(viewers);
          tell();
        },
        leads: () => undefined,
        wishesChanged: () => undefined,
        asked: () => assert.fail('nothing is asked'),
        ingestTold: () => undefined,
        replaced: () => assert.fail('nothing was replaced'),
        failed: (error) => {
          this.failures.push(error);
          tell();
        },
      },
      { platform: { ...systemPlatform, clock: this.clock }, log: () => undefined, leads: true },
    );
  }

  get leads(): boolean {
    return this.store.leader.read().instanceId === this.self.instanceId;
  }

  /** Where siblings connect to the engine. */
  get endpoint(): string {
    const record = listPeers(this.#db).find(({ instanceId }) => instanceId === this.self.instanceId);
    assert.ok(record);
    return record.endpoint;
  }

  /** A program that the engine takes for a sibling. */
  connect(): Promise<RawPeer> {
    return RawPeer.prove(this.endpoint, peerSecret(this.#db));
  }

  /** Waits until the condition holds; it is looked at whenever something was told. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await once(this.#told, 'told');
  }
}

describe('sync engine', () => {
  const databases = useDatabases();
  useEnvironment(() => environmentIn(databases.directory));

  /** An engine that leads, a peer that is connected to it, and another connection to write by. */
  async function setUp() {
    const db = await databases.open();
    const sibling = await databases.open();
    const { id } = await createTestConversation(sibling);
    const own = new TestEngine(db);
    await own.engine.open();
    databases.directory.defer(() => own.engine.close());
    databases.directory.defer(() => mock.restoreAll());
    await own.until(() => own.leads);
    const peer = await own.connect();
    await own.until(() => own.engine.peers.length === 1);
    return { own, db, peer, sibling, write: (content: string, by = sibling) => addTestMessage(by, id, content) };
  }

  /** Resolves when the engine has taken in all that the peer has sent so far. */
  async function taken(peer: RawPeer): Promise<void> {
    const answers = () => peer.frames.filter((frame) => 'type' in frame && frame.type === 'pong').length;
    const before = answers();
    peer.send({ type: 'ping' });
    while (answers() === before) await peer.frame(peer.frames.length);
  }

  const unreadable = () => {
    throw new Error('unreadable');
  };

  const reads: [what: string, spoil: (store: SyncStore, db: Database) => unknown][] = [
    ['its version', (store) => mock.method(store, 'dataVersion', unreadable)],
    ['where it is', (store) => mock.method(store, 'isInPlace', unreadable)],
    ['the change log', (store) => mock.method(store.changes, 'after', unreadable)],
    ['the registry of peers', (store) => mock.method(store.peers, 'list', unreadable)],
    ['the leader', (store) => mock.method(store.leader, 'read', unreadable)],
    ['who writes streams', (store) => mock.method(store.streams, 'owners', unreadable)],
    [
      'the messages that changed',
      (_, db) => {
        const sql = db.sql.bind(db);
        mock.method(db, 'sql', (text: string) => (text.includes('FROM messages') ? unreadable() : sql(text)));
      },
    ],
  ];
  for (const [what, spoil] of reads) {
    it(`tells that ${what} cannot be read, and once it can be, all that was written`, async () => {
      const { own, db, peer, write } = await setUp();
      spoil(own.store, db);
      await write('written meanwhile');
      own.clock.advance(SECOND);
      await own.until(() => own.failures.some((error) => String(error).includes('unreadable')));
      mock.restoreAll();
      own.clock.advance(SECOND);
      await own.until(() => own.messages.length > 0);
      await write('written later');
      peer.send({ type: 'nudge', changeId: 3 });
      await own.until(() => own.messages.length > 1);
      assert.deepEqual(own.messages, ['written meanwhile', 'written later']);
      assert.equal(own.engine.peers.length, 1);
    });
  }

  it('is told by its poll of what a sibling writes with which it has no protocol in common', async () => {
    const { own, peer, write } = await setUp();
    peer.socket.destroy();
    await own.until(() => own.engine.peers.length === 0);
    const stranger = await RawPeer.connect(own.endpoint);
    const { hello } = new Handshake('dialler', '', stranger.self, newNonce());
    stranger.send({ ...hello, protocol: { min: 2, max: 2 } });
    await stranger.closed;
    await write('from a newer version');
    own.clock.advance(SECOND);
    await own.until(() => own.messages.length > 0);
    assert.deepEqual([own.engine.peers, own.messages], [[], ['from a newer version']]);
  });

  it('tells what a sibling has committed before an own commit, though nobody said so', async () => {
    const { own, db, write } = await setUp();
    await write('by the sibling');
    await write('by this one', db);
    own.engine.committed();
    await own.until(() => own.messages.length > 1);
    assert.deepEqual(own.messages, ['by the sibling', 'by this one']);
  });

  it('tells its peers nothing of what others have written, and writes nothing in an idle minute', async () => {
    const { own, peer, sibling, write } = await setUp();
    await write('by the sibling');
    const version = sibling.dataVersion();
    peer.send({ type: 'nudge', changeId: 2 });
    await own.until(() => own.messages.length > 0);
    for (let second = 1; second <= 60; second++) {
      own.clock.advance(SECOND);
      await taken(peer);
    }
    assert.deepEqual([...new Set(peer.frames.slice(2).map((frame) => JSON.stringify(frame)))].sort(), [
      '{"type":"ping"}',
      '{"type":"pong","cursor":2}',
    ]);
    assert.equal(sibling.dataVersion(), version);
  });

  it('tells what failed when a peer came, went or nudged, and keeps the others', async () => {
    const { own, peer, write } = await setUp();
    own.statusChanged = unreadable;
    const second = await own.connect();
    await own.until(() => own.failures.length === 1);
    assert.equal(own.engine.peers.length, 2);
    second.socket.destroy();
    await own.until(() => own.failures.length === 2);
    mock.method(own.store, 'isInPlace', unreadable);
    await write('told at last');
    peer.send({ type: 'nudge', changeId: 2 });
    await own.until(() => own.failures.length === 3);
    mock.restoreAll();
    peer.send({ type: 'nudge', changeId: 2 });
    await own.until(() => own.messages.length === 1);
    assert.deepEqual(own.engine.peers, [peer.self]);
  });

  it('hands over no failure of a database that was closed behind it', async () => {
    const { own, db, write } = await setUp();
    await write('too late');
    await own.engine.close();
    await db.close();
    own.engine.committed();
    await nextTurn();
    assert.deepEqual(own.failures, []);
  });

  it('ends what was being written when this database was copied, and by those out of sight after a minute', async () => {
    const db = await databases.open();
    const { id: conversationId } = await createTestConversation(db);
    const own = new TestEngine(db);
    const [unregistered, unseen] = [introduce('Unregistered'), introduce('Unseen')];
    for (const { instanceId } of [own.self, unregistered, unseen])
      await beginStream(db, instanceId, { conversationId });
    const endpoint = `${databases.directory.path}/${'0'.repeat(20)}.sock`;
    await registerPeer(db, { ...unseen, endpoint, startedAt: Date.now() });
    const states = () => db.sql('SELECT status FROM messages ORDER BY seq').pluck().all();
    await own.engine.open();
    databases.directory.defer(() => own.engine.close());
    await own.until(() => String(states()) === 'interrupted,interrupted,streaming');
    for (let second = 0; second <= 60; second++) await own.clock.pass(SECOND);
    await own.until(() => String(states()) === 'interrupted,interrupted,interrupted');
  });

  it('goes on with a stream of which a piece could not be passed on, and tells why', async () => {
    const { own, sibling } = await setUp();
    const { id: conversationId } = await createTestConversation(sibling);
    const { id } = await own.engine.streams.start({ conversationId });
    own.streamed = unreadable;
    for (const text of ['a', 'b', 'c']) {
      own.engine.streams.append(id, text);
      own.clock.advance(GATHERING);
    }
    own.engine.streams.append(id, 'd');
    assert.deepEqual((await own.engine.streams.finish(id, 'complete')).content, 'abcd');
    assert.deepEqual(
      own.failures.map(String),
      Array.from({ length: 4 }, () => 'Error: unreadable'),
    );
  });

  it('tells the status at its next poll when that could not be read', async () => {
    const { own } = await setUp();
    let told = 0;
    own.statusChanged = unreadable;
    await own.connect();
    await own.until(() => own.failures.length === 1);
    own.statusChanged = () => told++;
    own.clock.advance(SECOND);
    assert.equal(told, 1);
    own.clock.advance(SECOND);
    assert.equal(told, 1);
  });

  it('prunes as the leader what every connected peer has read, and nothing before each has said so', async () => {
    const { own, peer, write } = await setUp();
    const { promise: pruned, resolve } = Promise.withResolvers<number[]>();
    const maintain = mock.method(own.store, 'maintain', async () => undefined);
    const prune = mock.method(own.store.changes, 'prune', async (_: unknown, before: number, through: number) => {
      resolve([before, through]);
      return 0;
    });
    for (const text of ['one', 'two', 'three']) await write(text);
    peer.send({ type: 'nudge', changeId: 4 });
    await own.until(() => own.messages.length === 3);
    // After a sleep silence is nobody's fault.
    own.clock.sleep(360 * SECOND);
    own.clock.advance(0);
    await nextTurn();
    assert.deepEqual([maintain.mock.callCount(), prune.mock.callCount()], [1, 0]);
    peer.send({ type: 'pong', cursor: 2 });
    await taken(peer);
    await write('four');
    peer.send({ type: 'nudge', changeId: 5 });
    await own.until(() => own.messages.length === 4);
    own.clock.sleep(3600 * SECOND);
    own.clock.advance(0);
    assert.deepEqual(await pruned, [own.clock.wallTime() - 24 * 3600 * SECOND, 2]);
  });

  it('prunes nothing once it has begun to leave, though it was about to', async () => {
    const { own } = await setUp();
    const { promise: maintained, resolve } = Promise.withResolvers<void>();
    const maintain = mock.method(own.store, 'maintain', () => maintained);
    const prune = mock.method(own.store.changes, 'prune', async () => 0);
    const purge = mock.method(own.store, 'purge', async () => undefined);
    own.clock.sleep(360 * SECOND);
    own.clock.advance(0);
    await own.engine.close();
    resolve();
    await nextTurn();
    assert.deepEqual([maintain.mock.callCount(), prune.mock.callCount(), purge.mock.callCount()], [1, 0, 0]);
  });

  it('tells what its peers see, and of nobody any more when it is closed', async () => {
    const { own, peer } = await setUp();
    const another = await own.connect();
    for (const [who, conversationId] of [
      [peer, 'b'],
      [another, 'a'],
      [peer, 'a'],
      [peer, 'a'],
      [another, null],
    ] as const) {
      who.send({ type: 'presence', conversationId });
      await taken(who);
    }
    await own.engine.close();
    const [a, b] = ['a', 'b'].map((conversationId) => ({ conversationId, windows: 1 }));
    assert.deepEqual(own.viewers, [[b], [a, b], [{ conversationId: 'a', windows: 2 }], [a], []]);
  });

  it('purges the bin as the leader, which its peers hear of', async () => {
    const { own, db, peer, write } = await setUp();
    await write('gone');
    db.sql('UPDATE conversations SET deleted_at = 1').run();
    const { promise: purged, resolve } = Promise.withResolvers<void>();
    const { purge } = own.store;
    mock.method(own.store, 'purge', async (leader: LeaderRecord) => {
      await purge(leader);
      resolve();
    });
    own.clock.sleep(360 * SECOND);
    own.clock.advance(0);
    await purged;
    assert.equal(db.sql(`SELECT count(*) FROM messages WHERE content = 'gone'`).pluck().get(), 0);
    const nudge = { type: 'nudge', changeId: 3 };
    while (!peer.frames.some((frame) => isDeepStrictEqual(frame, nudge))) await peer.frame(peer.frames.length);
    db.sql('UPDATE conversations SET purged_at = NULL').run();
    await assert.rejects(purge({ instanceId: 'another', epoch: 7 }), hasReason('not-leader'));
  });
});
