import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { inFolder } from '../folder.ts';
import { startInstance } from '../instances.ts';
import { nextMessage } from '../processes.ts';
import { projectIn } from './corpus.ts';
import { close, settled, startHost } from './hosts.ts';

/** Longest pause between two writes of a sibling, in ms. */
const PAUSE = 20;

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
    const { id: conversationId = '' } = (await sibling?.client.request('conversation/create', {})) ?? {};
    const waits: number[] = [];
    let isSettled = false;
    const bulk = settled(host).finally(() => (isSettled = true));
    while (sibling && !isSettled) {
      const before = performance.now();
      await sibling.client.request('message/add', { conversationId, role: 'user', content: 'meanwhile' });
      waits.push(performance.now() - before);
      await delay(Math.random() * PAUSE);
    }
    const { duration, loopDelay, peakMemory } = await bulk;
    await sibling?.client.dispose();
    await close(host);
    return { duration, loopDelay, peakMemory, waits: waits.sort((a, b) => a - b) };
  });
}
