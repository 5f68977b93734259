// Measures what the product promises beside what bounds it and what others do, and writes docs/benchmarks.md.
import { writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { root, runMain, say } from '../../scripts/lib/step.mjs';
import { paintLatencies, percentile } from '../support/paintLatency.ts';
import { openTwoWindows } from '../support/twoWindows.ts';
import { measurePropagation } from './propagation/measure.ts';

await runMain(async () => {
  const document = [
    '# Benchmarks',
    '',
    `Measured by \`npm run bench\` on ${cpus().length} × ${cpus()[0]?.model ?? 'unknown processor'}, ` +
      `${Math.round(totalmem() / 2 ** 30)} GiB, ${process.platform}, Node.js ${process.versions.node}. ` +
      'All figures of a table are of one run; only ratios compare between machines.',
    '',
    ...(await propagation()),
    '',
    ...(await painting()),
    '',
  ].join('\n');
  writeFileSync(join(root, 'docs', 'benchmarks.md'), document);
  say(`\n${document}`);
});

async function propagation(): Promise<string[]> {
  const contenders = [
    ['floor', 'SQLite and one byte on an open socket', 1000],
    ['product', 'DevChat Sync', 1000],
    ['poll', 'reader asks every 100 ms', 50],
    ['debounce', 'a connection per ping, 150 ms debounce', 50],
  ] as const;
  const rows: string[] = [];
  let floor = Number.NaN;
  for (const [name, what, count] of contenders) {
    say(`Measuring: ${what} …`);
    const latencies = await measurePropagation(name, count);
    const median = percentile(latencies, 0.5);
    if (name === 'floor') floor = median;
    rows.push(`| ${what} | ${ms(median)} | ${ms(percentile(latencies, 0.95))} | ${(median / floor).toFixed(2)} |`);
  }
  return [
    '## From a commit to the row read in a sibling process',
    '',
    'Target: at most 3 × the floor, and at least 100 × faster than the debounce. `synchronous=FULL` everywhere.',
    '',
    '| way | median ms | p95 ms | × floor |',
    '| --- | ---: | ---: | ---: |',
    ...rows,
  ];
}

async function painting(): Promise<string[]> {
  say('Measuring: two windows …');
  const two = await openTwoWindows();
  try {
    await two.a.panel.send('Measured');
    await two.b.window.conversations().open(/Measured/);
    await two.b.panel.message('Measured').waitFor();
    await paintLatencies(two.a.panel, two.b.panel, 20);
    const latencies = await paintLatencies(two.a.panel, two.b.panel, 200);
    return [
      '## From Enter in one window to the message painted in the other',
      '',
      'Two windows of a real VS Code in one browser, both visible, at 60 frames per second. Target: median at most 25 ms.',
      '',
      '| median ms | p95 ms |',
      '| ---: | ---: |',
      `| ${ms(percentile(latencies, 0.5))} | ${ms(percentile(latencies, 0.95))} |`,
    ];
  } finally {
    await two.close();
  }
}

function ms(value: number): string {
  return value.toFixed(value < 10 ? 3 : 1);
}
