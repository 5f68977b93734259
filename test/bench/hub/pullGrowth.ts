import { say } from '../../../scripts/lib/step.mjs';
import { percentile } from '../../support/paintLatency.ts';
import { ms, type Section, table, targetTable, times } from '../document.ts';
import { drawPlot } from '../growth/plot.ts';
import { fillEvents } from './fill.ts';
import { type MeasuredHub, newWorkspace, withClients } from './measuredHub.ts';

const SIZES = [10_000, 100_000, 1_000_000];
const LONG_SIZES = [...SIZES, 10_000_000];

/** Events of the page that is pulled. */
const PAGE = 100;
const PULLS = 300;

const PICTURE = 'hubPull.svg';

/** Measures how long a pull takes at the end of a workspace's log of more and more events. */
export async function measurePullGrowth(
  hub: MeasuredHub,
  { long }: { long: boolean },
): Promise<Pick<Section, 'lines'> & { pictures: Map<string, string> }> {
  const { id, token } = await newWorkspace(hub);
  const sizes = long ? LONG_SIZES : SIZES;
  const bySize: number[][] = [];
  for (const [index, size] of sizes.entries()) {
    say(`  a log of ${size.toLocaleString('en')} events …`);
    await fillEvents(hub.owner, id, sizes[index - 1] ?? 0, size);
    const times = await withClients(hub, [token], (request) => {
      return request({ type: 'pull', upTo: size, events: PAGE, times: PULLS }) as Promise<number[]>;
    });
    bySize.push(times.sort((a, b) => a - b));
  }
  const medians = bySize.map((list) => percentile(list, 0.5));
  const ratio = (medians.at(-1) ?? Number.NaN) / (medians[0] ?? Number.NaN);
  const title = `Pull the last ${PAGE} events`;
  const points = medians.map((median, index) => [sizes[index] ?? 0, median] as const);
  const lines = [
    'The events of one workspace’s log, and what a client waits for.',
    '',
    ...table(
      ['', ...sizes.map((size) => size.toLocaleString('en')), 'last ÷ first'],
      [
        [`${title}, median ms`, ...medians.map(ms), times(ratio)],
        [`${title}, p99 ms`, ...bySize.map((list) => ms(percentile(list, 0.99))), ''],
      ],
    ),
    ...targetTable([
      {
        target: `at most 1.5 × the time among ${SIZES[0]?.toLocaleString('en')}`,
        measured: `${times(ratio)} ×`,
        met: ratio <= 1.5,
      },
    ]),
    '',
    `![${title}](benchmarks/${PICTURE})`,
  ];
  return { lines, pictures: new Map([[PICTURE, drawPlot({ title, unit: 'ms', points })]]) };
}
