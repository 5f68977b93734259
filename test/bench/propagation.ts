import { say } from '../../scripts/lib/step.mjs';
import { percentile } from '../support/paintLatency.ts';
import { ms, type Section, table, targetTable, times } from './document.ts';
import { inFolder } from './folder.ts';
import type { ContenderName } from './propagation/contenders.ts';
import { measurePropagation } from './propagation/measure.ts';

const ways: readonly { name: ContenderName; what: string; count: number; pause?: number }[] = [
  { name: 'floor', what: 'SQLite and one byte on an open socket', count: 3000 },
  { name: 'product', what: 'DevChat Sync', count: 3000 },
  { name: 'watch', what: '`fs.watch` on the write-ahead log', count: 200 },
  { name: 'broadcast', what: '`broadcast-channel`, its method for Node.js', count: 200 },
  { name: 'poll100', what: 'reader asks every 100 ms', count: 100, pause: 100 },
  { name: 'debounce', what: 'a connection per ping, 150 ms debounce', count: 50 },
  { name: 'poll1000', what: 'reader asks every second', count: 20, pause: 1000 },
];

export const title = 'From a commit to the row read in a sibling process';

/** Measures how soon a sibling has read what was committed, by the product's way and by others. */
export async function measure(): Promise<Section> {
  const medians = new Map<ContenderName, number>();
  const median = (name: ContenderName) => medians.get(name) ?? Number.NaN;
  const rows: string[][] = [];
  for (const { name, what, count, pause = 0 } of ways) {
    say(`  ${what} …`);
    const latencies = await inFolder((folder) => measurePropagation(name, count, pause, folder));
    medians.set(name, percentile(latencies, 0.5));
    const overFloor = times(median(name) / median('floor'));
    rows.push([what, ms(median(name)), ms(percentile(latencies, 0.95)), overFloor]);
  }
  const overFloor = median('product') / median('floor');
  const faster = (name: ContenderName) => median(name) / median('product');
  return {
    title,
    lines: [
      'Two processes, one row after the other, `synchronous=FULL` everywhere. The log’s file changes before the commit ' +
        'is visible, so that who watches it looks too early, and here again after 1, 2, 4, … ms.',
      '',
      ...table(['way', 'median ms', 'p95 ms', '× floor'], rows),
      ...targetTable([
        { target: 'at most 3 × the floor', measured: `${times(overFloor)} ×`, met: overFloor <= 3 },
        {
          target: 'at least 100 × faster than the debounce',
          measured: `${times(faster('debounce'))} ×`,
          met: faster('debounce') >= 100,
        },
        {
          target: 'at least 5 × faster than `broadcast-channel`',
          measured: `${times(faster('broadcast'))} ×`,
          met: faster('broadcast') >= 5,
        },
      ]),
    ],
  };
}
