import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import Sqlite from 'better-sqlite3';
import { type Section, table, targetTable } from './document.ts';
import { type BenchFolder, inFolder } from './folder.ts';
import { startSiblings } from './instances.ts';
import { end, nextMessage, type Sample, sample, spawnProbed } from './processes.ts';
import type { Command } from './propagation/messages.ts';

/** How long nothing is done, in s, and before that, how long what the start left behind may take. */
const DURATION = 60;
const SETTLING = 3;

export const title = 'Three idle windows';

/** Measures what instances cost that have nothing to do, beside a process that waits and one that polls. */
export async function measure(): Promise<Section> {
  return inFolder(async (folder) => {
    const siblings = await startSiblings(folder, 3);
    const waiting = spawnProbed(['-e', 'process.stdin.resume()'], folder.env);
    const asking = await startPoller(folder);
    await delay(SETTLING * 1000);
    const writes = watchWrites(folder.database);
    const used = await usedMeanwhile([waiting, ...siblings.map(({ child }) => child), asking]);
    const written = writes();
    asking.send({ type: 'close' } satisfies Command);
    await Promise.all([end(waiting), once(asking, 'exit'), ...siblings.map(({ client }) => client.dispose())]);
    return section(used, written);
  });
}

function section(used: readonly Sample[], written: string[]): Section {
  const names = [
    'a Node.js process that only waits',
    'instance 1',
    'instance 2',
    'instance 3',
    'a reader that asks SQLite every 100 ms',
  ];
  const share = ({ cpu }: Sample) => cpu / 1000 / DURATION;
  const highest = Math.max(...used.slice(1, 4).map(share));
  return {
    title,
    lines: [
      `Three connected instances for ${DURATION} s. Writes are seen from outside: by SQLite’s \`data_version\`, and by sizes ` +
        'and times of the database and its write-ahead log.',
      '',
      ...table(
        ['process', 'CPU s', 'of one core', 'sleeps per second'],
        used.map((one, index) => [
          names[index] ?? '',
          (one.cpu / 1000).toFixed(3),
          percent(share(one)),
          (one.switches / DURATION).toFixed(1),
        ]),
      ),
      ...targetTable([
        { target: 'no writes', measured: written.join(', ') || 'none', met: written.length === 0 },
        { target: 'each instance below 0.5 % of one core', measured: percent(highest), met: highest < 0.005 },
      ]),
    ],
  };
}

const percent = (share: number) => `${(100 * share).toFixed(3)} %`;

async function startPoller({ database, env }: BenchFolder): Promise<ChildProcess> {
  const poller = spawnProbed([join(import.meta.dirname, 'propagation', 'process.ts'), 'poll100'], env);
  poller.send({ type: 'open', path: `${database}.rows`, role: 'reader' } satisfies Command);
  await nextMessage(poller);
  return poller;
}

/** What the processes use from now on for as long as nothing is done. */
async function usedMeanwhile(children: readonly ChildProcess[]): Promise<Sample[]> {
  const before = await Promise.all(children.map(sample));
  await delay(DURATION * 1000);
  const after = await Promise.all(children.map(sample));
  return after.map((one, index) => ({
    ...one,
    cpu: one.cpu - (before[index]?.cpu ?? 0),
    switches: one.switches - (before[index]?.switches ?? 0),
  }));
}

/** Begins to watch a database; the function that comes back ends that, and tells which signs of writing there were. */
function watchWrites(database: string): () => string[] {
  const observer = new Sqlite(database, { readonly: true });
  const look = () => ({
    data_version: String(observer.pragma('data_version', { simple: true })),
    'chat.db': fileState(database),
    'chat.db-wal': fileState(`${database}-wal`),
  });
  const before = look();
  return () => {
    const after = look();
    observer.close();
    return (Object.keys(before) as (keyof typeof before)[]).filter((sign) => before[sign] !== after[sign]);
  };
}

function fileState(path: string): string {
  const { size, mtimeNs } = statSync(path, { bigint: true });
  return `${size} bytes, ${mtimeNs}`;
}
