import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { verify } from '../../src/store/verify.ts';
import { Random } from '../support/random.ts';
import { FaultyProxy } from './support/faultyProxy.ts';
import { HubProcess } from './support/hubProcess.ts';
import { converged, type TestReplica, useReplicas } from './support/replicas.ts';

const seed = Number(process.env['CHAOS_SEED'] ?? randomInt(2 ** 32));

/** How long there are faults, and how long all may take to be equal afterwards, in ms. */
const FAULTY = Number(process.env['CHAOS_SECONDS'] ?? 12) * 1000;
const SETTLED = 30_000;

const MACHINES = 5;

describe(`five machines, a bad network, and a hub that is killed (CHAOS_SEED=${seed})`, () => {
  const replicas = useReplicas();
  const home = mkdtempSync(join('/tmp', 'devchat-chaos-'));
  const hub = new HubProcess(home);
  const random = new Random(seed, 'machines');
  let proxy: FaultyProxy;

  before(async () => {
    proxy = await FaultyProxy.start(new Random(seed, 'network'));
    proxy.lead(await hub.start());
  });
  after(async () => {
    proxy.close();
    await hub.stop();
    rmSync(home, { recursive: true, force: true });
  });

  /** Writes, edits and reads for as long as there are faults; returns what was acknowledged. */
  async function work(replica: TestReplica, conversationId: string, isOver: () => boolean): Promise<string[]> {
    const said: string[] = [];
    for (let index = 0; !isOver(); index++) {
      const text = `${replica.origin.slice(0, 4)} ${index}`;
      const { id } = await replica.add(conversationId, text);
      said.push(id);
      if (random.next() < 0.3) await replica.edit(random.pick(said), `${text}, edited`);
      await delay(random.whole(1, 60));
    }
    return said;
  }

  async function killAndRestart(isOver: () => boolean): Promise<number> {
    let kills = 0;
    while (!isOver()) {
      await delay(random.whole(500, 2500));
      await (random.next() < 0.4 ? hub.killDatabase() : hub.kill());
      kills++;
      proxy.lead(await hub.start());
    }
    return kills;
  }

  it('lose nothing, and are equal soon after the last fault', async function () {
    this.timeout(FAULTY + 3 * SETTLED);
    const connecting = { url: proxy.url, token: await hub.token() };
    const machines: TestReplica[] = [];
    for (let index = 0; index < MACHINES; index++) machines.push(await replicas.start(connecting));
    const [first] = machines as [TestReplica];
    const id = await first.share();
    await first.add(id, 'first');
    await Promise.all(machines.map((one) => one.until(() => one.contents(id).length === 1)));
    const end = performance.now() + FAULTY;
    const isOver = () => performance.now() > end;
    const working = machines.map((machine) => work(machine, id, isOver));
    const kills = await killAndRestart(isOver);
    const said = (await Promise.all(working)).flat();
    proxy.isFaulty = false;
    const began = performance.now();
    await Promise.race([
      converged(...machines),
      delay(SETTLED, undefined, { ref: false }).then(() => assert.fail(`not equal after ${SETTLED} ms`)),
    ]);
    const took = Math.round(performance.now() - began);
    const held = new Set(first.db.sql('SELECT id FROM messages WHERE deleted_at IS NULL').pluck().all());
    assert.deepEqual(
      said.filter((messageId) => !held.has(messageId)),
      [],
    );
    assert.equal(held.size, said.length + 1);
    for (const { db } of machines) assert.deepEqual((await verify(db, 'test', false)).problems, []);
    const faults = Object.entries(proxy.count).map(([fault, count]) => `${count} × ${fault}`);
    process.stdout.write(
      `      ${said.length} messages, ${kills} kills, ${faults.join(', ')}; equal after ${took} ms\n`,
    );
  });
});
