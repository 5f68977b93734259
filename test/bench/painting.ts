import { join } from 'node:path';
import { createTempDir } from '../../scripts/lib/tempDir.mjs';
import { paintLatencies, percentile } from '../support/paintLatency.ts';
import { openTwoWindows, type TwoWindows } from '../support/twoWindows.ts';
import { ms, type Section, table, targetTable, times } from './document.ts';
import { installBareChat, showBareChat } from './painting/bare.ts';

/** How much longer than on the bare way it may take, in the median and in 95 % of the messages. */
const MEDIAN = 2;
const USUAL = 3;

/** How often both ways are taken, in turn, and how many messages each time; before that, each is taken once. */
const ROUNDS = 4;
const MESSAGES = 50;

export const title = 'From Enter in one window to the message painted in the other';

/** Measures between two real windows how soon the other shows what was sent in one, beside the bare way in both. */
export async function measure(): Promise<Section> {
  const folder = createTempDir();
  try {
    const extensionsDir = join(folder.path, 'ext');
    const two = await openTwoWindows({ extensionsDir, env: installBareChat(folder.path, extensionsDir) });
    try {
      return describe(await inTurn(two));
    } finally {
      await two.close();
    }
  } finally {
    folder.remove();
  }
}

async function inTurn({ a, b }: TwoWindows): Promise<Record<'own' | 'bare', number[]>> {
  await a.panel.send('Measured');
  await b.window.conversations().open(/Measured/);
  await b.panel.message('Measured').waitFor();
  const [from, to] = [await showBareChat(a.window), await showBareChat(b.window)];
  const own = (count: number) => paintLatencies(a.panel, b.panel, count);
  const bare = (count: number) => paintLatencies(from, to, count);
  for (const way of [own, bare]) await way(20);
  const latencies: Record<'own' | 'bare', number[]> = { own: [], bare: [] };
  for (let round = 0; round < ROUNDS; round++) {
    latencies.own.push(...(await own(MESSAGES)));
    latencies.bare.push(...(await bare(MESSAGES)));
  }
  for (const all of Object.values(latencies)) all.sort((one, other) => one - other);
  return latencies;
}

function describe({ own, bare }: Record<'own' | 'bare', readonly number[]>): Section {
  const ratio = (share: number) => percentile(own, share) / percentile(bare, share);
  const row = (name: string, all: readonly number[]) => [
    name,
    ...[0.5, 0.95].map((share) => ms(percentile(all, share))),
  ];
  return {
    title,
    lines: [
      'Two windows of a real VS Code in one browser, both visible, at 60 frames per second. The floor, in turn with it in the ' +
        'same windows: a bare extension, whose page sends a line to its host, that to a process, which commits it as durably to ' +
        'a table without an index and sends it over a socket to the other window’s process, host and page.',
      '',
      ...table(
        ['', 'median ms', 'p95 ms'],
        [row('floor', bare), row('DevChat Sync', own), ['×', times(ratio(0.5)), times(ratio(0.95))]],
      ),
      ...targetTable([
        {
          target: `median at most ${MEDIAN} × the floor`,
          measured: `${times(ratio(0.5))} ×`,
          met: ratio(0.5) <= MEDIAN,
        },
        { target: `p95 at most ${USUAL} × the floor`, measured: `${times(ratio(0.95))} ×`, met: ratio(0.95) <= USUAL },
      ]),
    ],
  };
}
