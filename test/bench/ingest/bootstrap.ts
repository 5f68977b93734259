import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import * as v from 'valibot';
import { IngestSettings } from '../../../src/protocol/ingest.ts';
import { inFolder } from '../folder.ts';
import { type BenchInstance, startInstance } from '../instances.ts';
import { nextMessage } from '../processes.ts';
import { FOLDER, projectIn } from './corpus.ts';
import { close, settled, startHost } from './hosts.ts';

/** Shortest and longest pause between two writes, in ms: of somebody who writes all the time, or now and then. */
export const PAUSES = { always: [0, 20], seldom: [1200, 1500] } as const;

/** What reading all transcripts took; durations in ms, memory in bytes. */
export interface Bootstrap {
  duration: number;
  loopDelay: { p99: number; max: number };
  peakMemory: number;
  /** How long each write of a sibling took meanwhile, ascending. */
  waits: number[];
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
    const waits = sibling ? await writeDuring(sibling, bulk, PAUSES.always) : [];
    const { duration, loopDelay, peakMemory } = await bulk;
    await sibling?.client.dispose();
    await close(host);
    return { duration, loopDelay, peakMemory, waits };
  });
}

/** How long each write of a window took while its own instance read all transcripts, in ms, ascending. */
export function ownWrites(home: string, pauses: keyof typeof PAUSES): Promise<number[]> {
  return inFolder(async ({ database, env }) => {
    const ingest = v.parse(IngestSettings, { sources: ['claude-code'] });
    const folder = { database, env: { ...env, CLAUDE_CONFIG_DIR: home } };
    const own = await startInstance(folder, { workspaceFolder: FOLDER, joinsAddedRuns: true, ingest });
    const waits = await writeDuring(own, own.client.request('ingest/rescan', {}), PAUSES[pauses]);
    await own.client.dispose();
    return waits;
  });
}

/**
 * Writes again and again until something has ended.
 * @returns how long each write took, in ms, ascending
 */
async function writeDuring(
  { client }: BenchInstance,
  work: Promise<unknown>,
  [least, most]: readonly [least: number, most: number],
): Promise<number[]> {
  const { id: conversationId } = await client.request('conversation/create', {});
  let isOver = false;
  const over = work.finally(() => (isOver = true));
  const waits: number[] = [];
  while (!isOver) {
    const before = performance.now();
    await client.request('message/add', { conversationId, role: 'user', content: 'meanwhile' });
    waits.push(performance.now() - before);
    await delay(least + Math.random() * (most - least));
  }
  await over;
  return waits.sort((a, b) => a - b);
}
