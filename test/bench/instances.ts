import type { ChildProcess, ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { InstanceClient } from '../../src/instance/client/instanceClient.ts';
import type { Params } from '../../src/protocol/rpc.ts';
import type { BenchFolder } from './folder.ts';
import { spawnProbed } from './processes.ts';

const program = join(import.meta.dirname, '../../dist/instance.cjs');

/** An instance as a window runs it: the extension's client, and behind it a process with the probe. */
export interface BenchInstance {
  client: InstanceClient;
  child: ChildProcess;
}

/**
 * Starts an instance on the folder's database; resolves when it answers requests.
 * @param wish what `initialize` says besides
 */
export async function startInstance(
  { database, env }: BenchFolder,
  wish: Partial<Params<'initialize'>> = {},
): Promise<BenchInstance> {
  const child = spawnProbed([program], env);
  const log: string[] = [];
  const client = new InstanceClient({
    spawn: () => child as ChildProcessWithoutNullStreams,
    initialize: () => ({ databasePath: database, client: 'bench', ...wish }),
    log: (level, text) => log.push(`${level} ${text}`),
  });
  client.start();
  while (client.state === 'starting') await once(client.events, 'state');
  if (client.state !== 'ready') throw new Error(`The instance did not start:\n${log.join('\n')}`);
  return { client, child };
}

/** Starts instances on one database; resolves when all are connected and one of them leads. */
export async function startSiblings(folder: BenchFolder, count: number): Promise<[BenchInstance, ...BenchInstance[]]> {
  const first = await startInstance(folder);
  const others = await Promise.all(Array.from({ length: count - 1 }, () => startInstance(folder)));
  const siblings: [BenchInstance, ...BenchInstance[]] = [first, ...others];
  for (const { client } of siblings) {
    for (;;) {
      const changed = once(client.events, 'status');
      const { peers, leader } = await client.request('sync/status', {});
      if (peers.length === count - 1 && leader) break;
      await changed;
    }
  }
  return siblings;
}
