import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { say } from '../../scripts/lib/step.mjs';
import { type EmbeddedPostgres, startEmbedded } from '../../src/hub/embedded/embedded.ts';
import type { MessagesPage } from '../../src/protocol/hub.ts';
import { createConversation } from '../../src/store/conversations.ts';
import { Database } from '../../src/store/database.ts';
import { readLink } from '../../src/store/replica/link.ts';
import { shareConversation } from '../../src/store/replica/sharing.ts';
import { resetSyncState } from '../../src/store/syncState.ts';
import { HubProcess } from '../hubClient/support/hubProcess.ts';
import { type Connecting, TestReplica } from '../hubClient/support/replicas.ts';
import { percentile } from '../support/paintLatency.ts';
import { ms, type Section, table, targetTable, times } from './document.ts';
import { catchUp } from './hub/catchUp.ts';
import { measureColdSync } from './hub/coldSync.ts';
import { measureCrowd } from './hub/crowd.ts';
import { openFloor } from './hub/floor.ts';
import { withHub } from './hub/measuredHub.ts';
import { measurePullGrowth } from './hub/pullGrowth.ts';
import { measurePushes } from './hub/pushes.ts';

/** Changes that are measured one by one, in blocks by turns with the floor. */
const CHANGES = 300;
const BLOCK = 50;

/** Messages of the large conversation; every hundredth is missing in the repair. */
const MESSAGES = 10_000;

const text = (index: number) => `message ${index} ${'of some length '.repeat(40)}`;

export const title = 'Through a hub to another machine';

/**
 * Measures a change on its way, a repair, replicas that are far behind, and a hub with many clients and many events; hub
 * and PostgreSQL on this machine.
 */
export async function measure({ long }: { long: boolean }): Promise<Section> {
  const folder = mkdtempSync(join(tmpdir(), 'devchat-bench-hub-'));
  const hub = new HubProcess(folder);
  const url = await hub.start();
  const postgres = await startEmbedded(join(folder, 'hub'));
  const machines: TestReplica[] = [];
  const start = async (connecting: Connecting) => {
    const replica = new TestReplica(await Database.open(join(folder, randomUUID(), 'chat.db'), () => []));
    machines.push(replica);
    replica.connect(connecting);
    await replica.settled();
    return replica;
  };
  try {
    const connecting = { url, token: await hub.token() };
    say('  one change …');
    const one = await measureChange(postgres, await start(connecting), await start(connecting));
    say('  10,000 events behind …');
    const behind = await measureBehind(folder, connecting, await start(connecting));
    say('  1 % missing …');
    const repair = await measureRepair(connecting, start);
    const changes = describeChanges(one, behind, repair);
    return await withHub(postgres, async (measured) => {
      // First, while the process has grown by nothing else.
      const crowd = await measureCrowd(measured);
      const pushes = await measurePushes(measured);
      const coldSync = await measureColdSync(measured);
      const { lines, pictures } = await measurePullGrowth(measured, { long });
      return {
        title,
        lines: [changes, crowd, pushes, coldSync, lines].flatMap((part) => ['', ...part]).slice(1),
        pictures,
      };
    });
  } finally {
    for (const replica of machines) {
      await replica.disconnect();
      await replica.db.close();
    }
    await hub.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measureChange(postgres: EmbeddedPostgres, near: TestReplica, far: TestReplica) {
  const floor = await openFloor(postgres.ownerUrl);
  const id = await near.share();
  await near.add(id, 'first');
  await far.until(() => far.contents(id).length === 1);
  const latencies = { floor: [] as number[], product: [] as number[] };
  const timed = async (list: number[], send: () => Promise<void>) => {
    const began = performance.now();
    await send();
    list.push(performance.now() - began);
  };
  for (let done = 0; done < CHANGES; done += BLOCK) {
    for (let index = 0; index < BLOCK; index++) await timed(latencies.floor, () => floor.send());
    for (let index = 0; index < BLOCK; index++) {
      const messageId = randomUUID();
      const { id: added } = await near.add(id, 'x'.repeat(200), messageId);
      await timed(latencies.product, () => far.until(() => isHere(far, added)));
      await near.settled();
    }
  }
  await floor.close();
  for (const list of Object.values(latencies)) list.sort((a, b) => a - b);
  return latencies;
}

function isHere({ db }: TestReplica, messageId: string): boolean {
  return db.sql('SELECT 1 FROM messages WHERE id = ?').get(messageId) !== undefined;
}

async function measureBehind(folder: string, connecting: Connecting, writer: TestReplica) {
  const path = join(folder, 'behind', 'chat.db');
  await catchUp({ path, ...connecting, sequence: readLink(writer.db)?.cursor ?? 0 });
  const { id } = await createConversation(writer.db, writer.origin, {});
  for (let index = 0; index < MESSAGES; index++) await writer.add(id, text(index));
  await shareConversation(writer.db, writer.origin, id);
  writer.client?.look();
  await writer.settled();
  return catchUp({ path, ...connecting, sequence: readLink(writer.db)?.cursor ?? 0 });
}

async function measureRepair(connecting: Connecting, start: (connecting: Connecting) => Promise<TestReplica>) {
  let bytes = 0;
  let own = 0;
  const replica = await start({
    ...connecting,
    transport: (real) => ({
      ...real,
      get: async <T>(path: string) => {
        const answer = await real.get<T>(path);
        bytes += JSON.stringify(answer).length;
        const { messages = [] } = answer as Partial<MessagesPage>;
        own += messages.reduce((sum, message) => sum + JSON.stringify(message).length, 0);
        return answer;
      },
    }),
  });
  const { id } = replica.db.sql('SELECT id FROM conversations ORDER BY last_seq DESC').get() as { id: string };
  await replica.db.write(() => {
    replica.db.sql('DELETE FROM messages WHERE conversation_id = ? AND seq % 100 = 7').run(id);
    resetSyncState(replica.db, id);
  });
  [bytes, own] = [0, 0];
  const began = performance.now();
  const fetched = (await replica.client?.resync(id))?.fetched ?? 0;
  return { fetched, bytes, own, took: performance.now() - began };
}

function describeChanges(
  one: Awaited<ReturnType<typeof measureChange>>,
  behind: Awaited<ReturnType<typeof measureBehind>>,
  repair: Awaited<ReturnType<typeof measureRepair>>,
): string[] {
  const row = (what: string, list: readonly number[]) => [
    what,
    ms(percentile(list, 0.5)),
    ms(percentile(list, 0.95)),
    times(percentile(list, 0.5) / percentile(one.floor, 0.5)),
  ];
  const ratio = repair.bytes / repair.own;
  return [
    'Hub, PostgreSQL and both machines on this one. A change counts from its commit here to the row there; the floor is ' +
      'one commit in PostgreSQL between two WebSocket hops.',
    '',
    ...table(
      ['one change', 'median ms', 'p95 ms', '× floor'],
      [row('floor', one.floor), row('DevChat Sync', one.product)],
    ),
    '',
    ...table(
      ['', 'messages', 'ms', 'per second'],
      [
        ['catching up, in pages', MESSAGES, Math.round(behind.took), Math.round((MESSAGES / behind.took) * 1000)],
        ['repair of 1 %', repair.fetched, Math.round(repair.took), Math.round((repair.fetched / repair.took) * 1000)],
      ],
    ),
    ...targetTable([
      {
        target: 'one change in at most 10 ms',
        measured: `${ms(percentile(one.product, 0.5))} ms`,
        met: percentile(one.product, 0.5) <= 10,
      },
      { target: '1 % repaired with at most 1.2 × its bytes', measured: `${times(ratio)} ×`, met: ratio <= 1.2 },
      {
        target: 'event loop never blocked for more than 20 ms while catching up',
        measured: `${ms(behind.longest)} ms, ${ms(behind.usual)} ms in 99 % of the time`,
        met: behind.longest <= 20,
      },
    ]),
  ];
}
