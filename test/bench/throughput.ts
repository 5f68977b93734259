import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { say } from '../../scripts/lib/step.mjs';
import { percentile } from '../support/paintLatency.ts';
import { ms, type Section, table, targetTable, times } from './document.ts';
import { inFolder } from './folder.ts';
import { nextMessage } from './processes.ts';
import { openTable } from './table.ts';
import type { WriterName } from './throughput/window.ts';

/** How long the windows write, in ms. */
const DURATION = 4000;

const WINDOWS = [1, 2, 4, 8, 16];

/** What so many writers reached together. */
interface Throughput {
  perSecond: number;
  /** Messages of the slowest writer over those of the mean one. */
  fairness: number;
  /** 99th percentile of the wait for one write, in ms. */
  wait: number;
}

export const title = 'Writing from several windows at once';

/** Measures how much several windows write together, and whether each gets its turn. */
export async function measure(): Promise<Section> {
  const rows: { windows: number; product: Throughput; bare: Throughput }[] = [];
  for (const windows of WINDOWS) {
    say(`  ${windows} writing …`);
    rows.push({
      windows,
      product: await writeTogether('product', windows),
      bare: await writeTogether('bare', windows),
    });
  }
  const alone = rows[0]?.bare.perSecond ?? Number.NaN;
  const fairness = Math.min(...rows.map(({ product }) => product.fairness));
  const wait = Math.max(...rows.map(({ product }) => product.wait));
  return {
    title,
    lines: [
      'Each window is an extension host’s client and an instance; it sends a message when the one before is acknowledged. ' +
        'The floor is as many processes that insert a row in a `BEGIN IMMEDIATE` transaction and do nothing else, with ' +
        'better-sqlite3’s own waiting for the lock. Fairness is the slowest writer over the mean.',
      '',
      ...table(
        [
          'windows',
          'messages/s',
          'floor/s',
          '× floor',
          '× one bare writer',
          'fairness',
          'of floor',
          'p99 wait ms',
          'of floor',
        ],
        rows.map(({ windows, product, bare }) => [
          windows,
          Math.round(product.perSecond),
          Math.round(bare.perSecond),
          times(product.perSecond / bare.perSecond),
          times(product.perSecond / alone),
          times(product.fairness),
          times(bare.fairness),
          ms(product.wait),
          ms(bare.wait),
        ]),
      ),
      ...targetTable([
        { target: 'fairness at least 0.5', measured: times(fairness), met: fairness >= 0.5 },
        { target: 'p99 of the wait below 1 s', measured: `${ms(wait)} ms`, met: wait < 1000 },
      ]),
    ],
  };
}

function writeTogether(name: WriterName, count: number): Promise<Throughput> {
  return inFolder(async ({ database, env }) => {
    // Writers that switch a new file to WAL at the same moment would find it locked.
    if (name === 'bare') openTable(database).close();
    const program = join(import.meta.dirname, 'throughput', 'window.ts');
    const windows = Array.from({ length: count }, () => fork(program, [name, database], { env }));
    await Promise.all(windows.map(nextMessage));
    const ended = windows.map((window) => once(window, 'exit'));
    const answers = windows.map(nextMessage);
    const until = Date.now() + DURATION;
    for (const window of windows) window.send(until);
    const waits = (await Promise.all(answers)) as number[][];
    await Promise.all(ended);
    const all = waits.flat().sort((a, b) => a - b);
    return {
      perSecond: all.length / (DURATION / 1000),
      fairness: (Math.min(...waits.map(({ length }) => length)) * count) / all.length,
      wait: percentile(all, 0.99),
    };
  });
}
