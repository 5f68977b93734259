import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import * as v from 'valibot';
import { IngestSettings } from '../../../src/protocol/ingest.ts';
import { inFolder } from '../folder.ts';
import { type BenchInstance, startInstance } from '../instances.ts';
import { nextMessage, stolenTime } from '../processes.ts';
import { FOLDER, projectIn } from './corpus.ts';
import { close, settled, startHost } from './hosts.ts';

/** Shortest and longest pause between two writes, in ms: of somebody who writes all the time, or now and then. */
export const PAUSES = { always: [0, 20], seldom: [1200, 1500] } as const;

/** What reading all transcripts took; durations in ms, memory in bytes. */
export interface Bootstrap {
  duration: number;
  loopDelay: { p99: number; max: number };
  peakMemory: number;
  /** The writes of a sibling meanwhile. */
  writes: Write[];
}

/** One write of a window. */
export interface Write {
  /** How long it took, in ms. */
  duration: number;
  /** How much of that at most the host of this machine gave to others, in ms. */
  stolen: number;
}

/** The time that the floor takes, in ms: with a trigger that fills the index, as the product has, or without. */
export function floor(home: string, way: 'trigger' | 'direct'): Promise<number> {
  return inFolder(async ({ database, env }) => {
    const child = fork(join(import.meta.dirname, 'floor.ts'), [database, projectIn(home), way], { env });
    const ended = once(child, 'exit');
    const duration = Number(await nextMessage(child));
    await ended;
    return duration;
  });
}

/** Has an instance read all transcripts, alone or while a sibling writes now and then. */
export function bootstrap(home: string, hasSibling: boolean): Promise<Bootstrap> {
  return inFolder(async (folder) => {
    const host = await startHost(folder, home);
    const sibling = hasSibling ? await startInstance(folder) : undefined;
    const bulk = settled(host);
    const writes = sibling ? await writeDuring(sibling, bulk, PAUSES.always) : [];
    const { duration, loopDelay, peakMemory } = await bulk;
    await sibling?.client.dispose();
    await close(host);
    return { duration, loopDelay, peakMemory, writes };
  });
}

/** The writes of a window while its own instance reads all transcripts. */
export function ownWrites(home: string, pauses: keyof typeof PAUSES): Promise<Write[]> {
  return inFolder(async ({ database, env }) => {
    const ingest = v.parse(IngestSettings, { sources: ['claude-code'] });
    const folder = { database, env: { ...env, CLAUDE_CONFIG_DIR: home } };
    const own = await startInstance(folder, { workspaceFolder: FOLDER, joinsAddedRuns: true, ingest });
    const writes = await writeDuring(own, own.client.request('ingest/rescan', {}), PAUSES[pauses]);
    await own.client.dispose();
    return writes;
  });
}

/** The writes of a window while another program does the floor's work on a file of its own. */
export function writesBesideFloor(home: string): Promise<Write[]> {
  return inFolder(async (folder) => {
    const window = await startInstance(folder);
    const writes = await writeDuring(window, floor(home, 'trigger'), PAUSES.always);
    await window.client.dispose();
    return writes;
  });
}

/** Writes again and again until something has ended. */
async function writeDuring(
  { client }: BenchInstance,
  work: Promise<unknown>,
  [least, most]: readonly [least: number, most: number],
): Promise<Write[]> {
  const { id: conversationId } = await client.request('conversation/create', {});
  let isOver = false;
  const over = work.finally(() => (isOver = true));
  const writes: Write[] = [];
  while (!isOver) {
    const [stolen, before] = [stolenTime(), performance.now()];
    await client.request('message/add', { conversationId, role: 'user', content: 'meanwhile' });
    writes.push({ duration: performance.now() - before, stolen: stolenTime() - stolen });
    await delay(least + Math.random() * (most - least));
  }
  await over;
  return writes;
}
