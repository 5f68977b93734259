import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { HubTransport } from '../../src/hubClient/transport.ts';
import { createConversation } from '../../src/store/conversations.ts';
import { takeOverLeadership } from '../../src/store/leader.ts';
import { otherVersions } from '../../src/store/replica/alternatives.ts';
import { openLink, readLink, saveLink } from '../../src/store/replica/link.ts';
import { shareConversation } from '../../src/store/replica/sharing.ts';
import { resetSyncState } from '../../src/store/syncState.ts';
import { verify } from '../../src/store/verify.ts';
import { numbers } from '../hub/support/changes.ts';
import { type TestHub, useHubs } from '../hub/support/hubs.ts';
import { type Connecting, converged, type TestReplica, useReplicas } from './support/replicas.ts';

describe('the client of a hub', () => {
  const hubs = useHubs();
  const replicas = useReplicas();
  let hub: TestHub;
  let connecting: Connecting;

  beforeEach(async () => {
    hub = await hubs.start();
    connecting = { url: hub.url, token: await hubs.token() };
  });

  /** Writes into a conversation that nobody shares yet. */
  async function write(replica: TestReplica, count: number): Promise<string> {
    const { id } = await createConversation(replica.db, replica.origin, {});
    for (const index of numbers(1, count)) await replica.add(id, `message ${index}`);
    return id;
  }

  it('publishes a conversation under its numbers, whoever writes into it meanwhile', async () => {
    const [ann, bob] = [await replicas.start(connecting), await replicas.start(connecting)];
    const id = await write(ann, 350);
    await shareConversation(ann.db, ann.origin, id);
    ann.client?.look();
    await bob.until(() => bob.db.sql('SELECT 1 FROM conversations').get() !== undefined);
    await bob.add(id, 'in between');
    await converged(ann, bob);
    assert.deepEqual(bob.contents(id), [...numbers(1, 350).map((index) => `message ${index}`), 'in between']);
    assert.deepEqual((await verify(bob.db, 'test', false)).problems, []);
  });

  it('pushes the same again when it does not know what has become of it, and nothing is there twice', async () => {
    let cuts = 3;
    const transport = (real: HubTransport): HubTransport => ({
      ...real,
      connect: async (events) => {
        const connection = await real.connect({
          ...events,
          received: (frame) => {
            if (frame.type === 'push_result' && cuts-- > 0) connection.close();
            else events.received(frame);
          },
        });
        return connection;
      },
    });
    const ann = await replicas.start({ ...connecting, transport });
    const bob = await replicas.start(connecting);
    const id = await ann.share();
    const first = await ann.add(id, 'one');
    await ann.edit(first.id, 'one, edited');
    let count = 1;
    while (cuts > 0) {
      await ann.add(id, `message ${++count}`);
      await ann.edit(first.id, `one, edited ${count}`);
      await ann.settled();
    }
    await bob.until(() => bob.contents(id).length === count);
    await converged(ann, bob);
    assert.deepEqual(bob.contents(id), [
      `one, edited ${count}`,
      ...numbers(2, count).map((index) => `message ${index}`),
    ]);
    assert.deepEqual(ann.lost, []);
  });

  for (const isCompared of [false, true]) {
    const after = isCompared ? ', also after a comparison' : '';
    it(`pushes the same again while the hub is still at it${after}`, () => pushWhileBusy(isCompared));
  }

  async function pushWhileBusy(isCompared: boolean): Promise<void> {
    let cut: () => void = () => assert.fail('not connected');
    const transport = (real: HubTransport): HubTransport => ({
      ...real,
      connect: async (events) => {
        const connection = await real.connect(events);
        cut = () => {
          connection.close();
          events.closed('The connection was cut.');
        };
        return connection;
      },
    });
    const ann = await replicas.start({ ...connecting, transport });
    const id = await ann.share();
    const { id: messageId } = await ann.add(id, 'one');
    await ann.settled();
    const { owner } = hubs.database;
    const waiters = async () => {
      // Inside a transaction, what is seen of others stays as it was seen first.
      await owner.query('SELECT pg_stat_clear_snapshot()');
      const { rowCount } = await owner.query(`SELECT FROM pg_stat_activity WHERE application_name = 'devchat-hub'
        AND wait_event_type = 'Lock' AND datname = current_database()`);
      return rowCount;
    };
    await owner.query('BEGIN');
    await owner.query('SELECT FROM messages WHERE id = $1 FOR UPDATE', [messageId]);
    await ann.edit(messageId, 'one, edited');
    while ((await waiters()) !== 1);
    if (isCompared) await ann.db.write(() => saveLink(ann.db, { ...openLink(ann.db), epoch: 'another' }));
    cut();
    // Both are under way now, the second on another connection.
    while ((await waiters()) !== 2);
    await owner.query('COMMIT');
    await ann.settled();
    assert.deepEqual(ann.contents(id), ['one, edited']);
    assert.deepEqual([ann.lost, otherVersions(ann.db, id)], [[], []]);
  }

  it('is not troubled by a push that arrives twice', async () => {
    const transport = (real: HubTransport): HubTransport => ({
      ...real,
      connect: async (events) => {
        const connection = await real.connect(events);
        const send: typeof connection.send = (frame) => {
          connection.send(frame);
          if (frame.type === 'push') connection.send({ ...frame, request_id: 'again' });
        };
        return Object.assign(Object.create(connection), { send });
      },
    });
    const [ann, bob] = [await replicas.start({ ...connecting, transport }), await replicas.start(connecting)];
    const id = await ann.share();
    const { id: messageId } = await ann.add(id, 'one');
    await ann.add(id, 'two');
    await bob.until(() => bob.contents(id).length === 2);
    await ann.edit(messageId, 'one, edited');
    await bob.until(() => bob.contents(id)[0] === 'one, edited');
    await converged(ann, bob);
    assert.deepEqual(ann.lost, []);
  });

  it('gives a hub that was restored from a backup what that has lost', async () => {
    const [ann, bob] = [await replicas.start(connecting), await replicas.start(connecting)];
    const id = await ann.share();
    for (const index of numbers(1, 10)) await ann.add(id, `message ${index}`);
    await bob.until(() => bob.contents(id).length === 10);
    await converged(ann, bob);
    await Promise.all([ann.disconnect(), bob.disconnect()]);
    const { owner } = hubs.database;
    await owner.query('DELETE FROM messages WHERE conversation_id = $1 AND sequence > 6', [id]);
    await owner.query('UPDATE conversations SET last_message_sequence = 6 WHERE id = $1', [id]);
    await owner.query('DELETE FROM change_events WHERE sequence > 7');
    await owner.query('UPDATE workspaces SET last_sequence = 7 WHERE last_sequence > 7');
    for (const { db } of [ann, bob]) {
      await db.write(() => saveLink(db, { ...(readLink(db) ?? assert.fail()), epoch: 'before the restoration' }));
    }
    await bob.add(id, 'by Bob');
    // Somebody else goes on where the backup ends, under numbers that were given before.
    const carl = await replicas.start(connecting);
    await carl.until(() => carl.contents(id).length === 6);
    for (const index of numbers(1, 20)) await carl.add(id, `by Carl ${index}`);
    await carl.settled();
    for (const one of [bob, ann]) one.connect(connecting);
    const dora = await replicas.start(connecting);
    await converged(ann, bob, carl, dora);
    const lost = numbers(7, 10).map((index) => `message ${index}`);
    const kept = [
      ...numbers(1, 6).map((index) => `message ${index}`),
      ...numbers(1, 20).map((index) => `by Carl ${index}`),
    ];
    assert.deepEqual(dora.contents(id).slice(0, 26), kept);
    assert.deepEqual(dora.contents(id).slice(26).sort(), ['by Bob', ...lost].sort());
    for (const { db } of [ann, bob, dora]) assert.deepEqual((await verify(db, 'test', false)).problems, []);
  });

  it('compares with the lists when the log was cleaned past it', async () => {
    const [ann, bob] = [await replicas.start(connecting), await replicas.start(connecting)];
    const id = await ann.share();
    const { id: messageId } = await ann.add(id, 'one');
    await ann.add(id, 'two');
    await bob.until(() => bob.contents(id).length === 2);
    await converged(ann, bob);
    await bob.disconnect();
    await ann.edit(messageId, 'one, edited');
    await ann.add(id, 'three');
    await ann.settled();
    await bob.add(id, 'four');
    const { owner } = hubs.database;
    await owner.query('UPDATE workspaces SET pruned_through = last_sequence WHERE last_sequence > 1');
    await owner.query('DELETE FROM change_events');
    bob.connect(connecting);
    await converged(ann, bob);
    assert.deepEqual(ann.contents(id), ['one, edited', 'two', 'three', 'four']);
  });

  it('fetches only the messages that are missing', async () => {
    let bytes = 0;
    const transport = (real: HubTransport): HubTransport => ({
      ...real,
      get: async (path) => {
        const answer = await real.get(path);
        bytes += JSON.stringify(answer).length;
        return answer as never;
      },
    });
    const ann = await replicas.start(connecting);
    const id = await write(ann, 300);
    await shareConversation(ann.db, ann.origin, id);
    ann.client?.look();
    const bob = await replicas.start({ ...connecting, transport });
    await bob.until(() => bob.contents(id).length === 300);
    await converged(ann, bob);
    const lost = bob.db.sql('SELECT id FROM messages WHERE seq IN (7, 8, 200)').pluck().all() as string[];
    const whole = bob.digest();
    await bob.db.write(() => {
      for (const messageId of lost) bob.db.sql('DELETE FROM messages WHERE id = ?').run(messageId);
      resetSyncState(bob.db, id);
    });
    bytes = 0;
    const { state, fetchedRanges, fetched } = (await bob.client?.resync(id)) ?? assert.fail();
    assert.deepEqual([state, fetched], ['SYNCED', 3]);
    assert.deepEqual(fetchedRanges, [
      { from: 7, to: 8 },
      { from: 200, to: 200 },
    ]);
    assert.equal(bob.digest(), whole);
    assert.ok(bytes < 3000, `${bytes} bytes`);
  });

  it('shows pieces of streams, and leaves nothing behind of them', async () => {
    const [ann, bob] = [await replicas.start(connecting), await replicas.start(connecting)];
    await Promise.all([ann.settled(), bob.settled()]);
    const piece = { conversationId: randomUUID(), messageId: randomUUID(), runId: 'r', offset: 0, text: 'live' };
    const seen = bob.piece();
    ann.client?.stream(piece);
    assert.deepEqual(await seen, piece);
  });

  it('writes nothing when another instance leads by now', async () => {
    const [ann, bob] = [await replicas.start(connecting), await replicas.start()];
    const id = await ann.share();
    await ann.add(id, 'one');
    await ann.settled();
    await takeOverLeadership(bob.db, 'another', 0);
    bob.connect({ ...connecting, leader: { instanceId: bob.origin, epoch: 1 } });
    await bob.until(() => bob.client?.status().state === 'offline');
    assert.match(bob.client?.status().problem ?? '', /another leads now/u);
    assert.deepEqual(bob.contents(id), []);
    assert.equal(readLink(bob.db), undefined);
  });

  it('shares by source what the settings say, and never what the user keeps private', async () => {
    const ann = await replicas.start();
    const [shared, kept] = [await write(ann, 1), await write(ann, 2)];
    await ann.db.write(() => ann.db.sql(`UPDATE conversations SET authority = 'private' WHERE id = ?`).run(kept));
    ann.connect({ ...connecting, share: { sources: ['chat'] } });
    const bob = await replicas.start(connecting);
    await bob.until(() => bob.contents(shared).length === 1);
    await converged(ann, bob);
    assert.deepEqual(bob.db.sql('SELECT id FROM conversations').pluck().all(), [shared]);
  });
});
