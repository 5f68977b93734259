import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { BenchFolder } from '../folder.ts';
import { nextMessage } from '../processes.ts';
import type { ContenderName } from './contenders.ts';
import type { Command, Report } from './messages.ts';

/**
 * Commits rows in one process, one after the other, and measures until each was read in another.
 * @param pause longest time between a row that was read and the next commit, in ms: a random part of it is waited, so
 *   that commits do not keep step with a reader that asks at intervals
 * @returns ms per row from the end of the commit, ascending
 */
export async function measurePropagation(
  name: ContenderName,
  count: number,
  pause: number,
  { database, env }: BenchFolder,
): Promise<number[]> {
  const start = async (role: 'reader' | 'writer') => {
    const child = fork(join(import.meta.dirname, 'process.ts'), [name], { env });
    tell(child, { type: 'open', path: database, role });
    await nextMessage(child);
    return child;
  };
  const reader = await start('reader');
  const writer = await start('writer');
  const latencies: number[] = [];
  for (let index = 0; index < count; index++) {
    if (pause > 0) await delay(Math.random() * pause);
    const applied = reported(reader, 'applied', index);
    const committed = reported(writer, 'committed', index);
    tell(writer, { type: 'write', index });
    latencies.push(((await applied) - (await committed)) / 1e6);
  }
  for (const child of [writer, reader]) {
    const ended = once(child, 'exit');
    tell(child, { type: 'close' });
    await ended;
  }
  return latencies.sort((a, b) => a - b);
}

function tell(child: ChildProcess, command: Command): void {
  child.send(command);
}

function reported(child: ChildProcess, type: 'committed' | 'applied', index: number): Promise<number> {
  return new Promise((resolve) => {
    const listener = (report: Report) => {
      if (report.type !== type || report.index !== index) return;
      child.off('message', listener);
      resolve(report.at);
    };
    child.on('message', listener);
  });
}
