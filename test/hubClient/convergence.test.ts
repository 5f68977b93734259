import assert from 'node:assert/strict';
import { verify } from '../../src/store/verify.ts';
import { useHubs } from '../hub/support/hubs.ts';
import { TestProxy } from '../hub/support/proxy.ts';
import { converged, type TestReplica, useReplicas } from './support/replicas.ts';

describe('two machines on one hub', () => {
  const hubs = useHubs();
  const replicas = useReplicas();

  async function assertSound(...all: TestReplica[]): Promise<void> {
    for (const { db } of all) assert.deepEqual((await verify(db, 'test', false)).problems, []);
  }

  it('have the same conversations, messages and numbers', async () => {
    const hub = await hubs.start();
    const token = await hubs.token();
    const [ann, bob] = [await replicas.start({ url: hub.url, token }), await replicas.start({ url: hub.url, token })];
    const id = await ann.share('Plans');
    await ann.add(id, 'one');
    await ann.add(id, 'two');
    await bob.until(() => bob.contents(id).length === 2);
    await bob.add(id, 'three');
    await converged(ann, bob);
    assert.deepEqual(ann.contents(id), ['one', 'two', 'three']);
    await assertSound(ann, bob);
  });

  it('converge after both have written without the hub', async () => {
    const hub = await hubs.start();
    const proxy = await TestProxy.start(hub.url);
    hubs.defer(() => proxy.close());
    const connecting = { url: proxy.through(hub.url), token: await hubs.token() };
    const { ann, bob, conversationId: id, message: first } = await replicas.startTwo(connecting);
    await hub.close();
    await Promise.all([ann, bob].map((one) => one.until(() => one.client?.status().state === 'offline')));
    for (let index = 0; index < 20; index++) {
      const mine = await ann.add(id, `ann ${index}`);
      await bob.add(id, `bob ${index}`);
      assert.deepEqual([mine.seq, mine.isPending], [first.seq + 1 + index, true]);
    }
    const again = await hubs.start();
    proxy.lead(again.url);
    await converged(ann, bob);
    const said = ann.contents(id);
    assert.equal(said.length, 41);
    for (const name of ['ann', 'bob']) {
      const own = said.filter((text) => text.startsWith(name));
      assert.deepEqual(
        own,
        Array.from({ length: 20 }, (_, index) => `${name} ${index}`),
      );
    }
    await assertSound(ann, bob);
  });
});
