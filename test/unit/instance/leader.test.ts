import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { SyncStatus } from '../../../src/protocol/rpc.ts';
import { useInstances } from '../../support/instances.ts';

describe('the leader among instances', () => {
  const instances = useInstances();

  /** Three instances that know each other; the first leads. */
  async function three() {
    const started = [];
    for (const name of ['first', 'second', 'third']) {
      const instance = await instances.start(name);
      if (name === 'first') await instance.rpc.notified<SyncStatus>('status', ({ leader }) => leader !== null);
      started.push(instance);
    }
    for (const { rpc } of started) await rpc.notified<SyncStatus>('status', ({ peers }) => peers.length === 2);
    const [first, second, third] = started;
    assert.ok(first && second && third);
    const { leader } = await second.rpc.request<SyncStatus>('sync/status');
    assert.deepEqual(leader, { instanceId: first.session.instanceId, epoch: 1 });
    const followers = [second, third];
    const elected = Promise.race(
      followers.map(async ({ rpc, session }) => {
        await rpc.notified<SyncStatus>('status', ({ leader }) => leader?.instanceId === session.instanceId);
        return session.instanceId;
      }),
    );
    return { first, followers, elected };
  }

  it('is another one after the leader was killed', async () => {
    const { first, followers, elected } = await three();
    const killedAt = performance.now();
    first.rpc.child.kill('SIGKILL');
    const instanceId = await elected;
    process.stdout.write(`      taken over after ${Math.round(performance.now() - killedAt)} ms\n`);
    for (const { rpc } of followers) {
      // Whoever has lost the election is told of it too, without asking.
      await rpc.notified<SyncStatus>('status', ({ leader }) => leader?.instanceId === instanceId);
      const { leader } = await rpc.request<SyncStatus>('sync/status');
      assert.deepEqual(leader, { instanceId, epoch: 2 });
    }
  });

  it('is another one after the leader froze, and stays it when that one wakes', async () => {
    const { first, followers, elected } = await three();
    const frozenAt = performance.now();
    first.rpc.child.kill('SIGSTOP');
    const instanceId = await elected;
    process.stdout.write(`      taken over after ${Math.round(performance.now() - frozenAt)} ms\n`);
    const seen = first.rpc.notifications.length;
    first.rpc.child.kill('SIGCONT');
    await first.rpc.notified<SyncStatus>(
      'status',
      ({ peers }) => peers.length === 2 && first.rpc.notifications.length > seen,
    );
    for (const { rpc } of [first, ...followers]) {
      const { leader } = await rpc.request<SyncStatus>('sync/status');
      assert.deepEqual(leader, { instanceId, epoch: 2 });
    }
  }).timeout(30_000);
});
