import { statSync } from 'node:fs';
import { say } from '../../scripts/lib/step.mjs';
import { percentile } from '../support/paintLatency.ts';
import { ms, type Section, table, targetTable, times } from './document.ts';
import { type BenchFolder, inFolder } from './folder.ts';
import { FREQUENT_WORD, fill, LARGE, rareWord, rareWords } from './growth/fill.ts';
import { drawPlot } from './growth/plot.ts';
import { startInstance } from './instances.ts';
import { sample } from './processes.ts';

const SIZES = [1000, 10_000, 100_000, 1_000_000];

/** Messages that a window asks for when it opens a conversation. */
const PAGE = 50;

/** What is measured at every size: under which name, in which unit. */
const curves = {
  add: { title: 'Add a message', unit: 'ms' },
  open: { title: `Open: the newest ${PAGE} messages`, unit: 'ms' },
  searchRare: { title: 'Search: a word of 20 messages', unit: 'ms' },
  searchFrequent: { title: 'Search: a word of 1 % of all messages', unit: 'ms' },
  list: { title: 'List all conversations', unit: 'ms' },
  start: { title: 'Start an instance', unit: 'ms' },
  memory: { title: 'Memory of the instance', unit: 'MiB' },
  size: { title: 'Database', unit: 'MiB' },
} as const;

type Curve = keyof typeof curves;
type Figures = Record<Curve, number>;

export const title = 'As the history grows';

/** Measures the product on databases of more and more messages, and draws a curve of each figure. */
export async function measure(): Promise<Section> {
  const bySize = await inFolder(async (folder) => {
    const measured: Figures[] = [];
    for (const [index, size] of SIZES.entries()) {
      say(`  ${size.toLocaleString('en')} messages …`);
      await fill(folder.database, SIZES[index - 1] ?? 0, size);
      measured.push(await measureSize(folder, size));
    }
    return measured;
  });
  const names = Object.keys(curves) as Curve[];
  const pictures = names.map((name): [string, string] => {
    const points = bySize.map((figures, index) => [SIZES[index] ?? 0, figures[name]] as const);
    return [`${name}.svg`, drawPlot({ ...curves[name], points })];
  });
  const links = names.map((name) => `![${curves[name].title}](benchmarks/${name}.svg)`);
  return { title, lines: [...describe(names, bySize), '', ...links], pictures: new Map(pictures) };
}

function describe(names: readonly Curve[], bySize: readonly Figures[]): string[] {
  const [smallest, largest] = [bySize[0], bySize.at(-1)];
  const ratio = (name: Curve) => (largest?.[name] ?? Number.NaN) / (smallest?.[name] ?? Number.NaN);
  const search = largest?.searchRare ?? Number.NaN;
  const open = largest?.open ?? Number.NaN;
  return [
    'Nine tenths of the messages are in one conversation, the others in conversations of 50; each has some 40 words. Medians ' +
      'of what the extension’s client waits for; the file is in the system’s cache.',
    '',
    ...table(
      ['', ...SIZES.map((size) => size.toLocaleString('en')), 'last ÷ first'],
      names.map((name) => [
        `${curves[name].title}, ${curves[name].unit}`,
        ...bySize.map((figures) => figure(name, figures[name])),
        times(ratio(name)),
      ]),
    ),
    ...targetTable([
      { target: 'search among a million at most 20 ms', measured: `${ms(search)} ms`, met: search <= 20 },
      { target: 'open among a million at most 50 ms', measured: `${ms(open)} ms`, met: open <= 50 },
      {
        target: 'open at most 1.5 × the time among a thousand',
        measured: `${times(ratio('open'))} ×`,
        met: ratio('open') <= 1.5,
      },
    ]),
  ];
}

function figure(name: Curve, value: number): string {
  return curves[name].unit === 'ms' ? ms(value) : value.toFixed(1);
}

async function measureSize(folder: BenchFolder, size: number): Promise<Figures> {
  const start = await median(5, async () => {
    const { client } = await startInstance(folder);
    return () => client.dispose();
  });
  const { client, child } = await startInstance(folder);
  const { lastSeq } = await client.request('message/range', { conversationId: LARGE, fromSeq: 1, toSeq: 1 });
  const { id: conversationId } = await client.request('conversation/create', {});
  const open = { conversationId: LARGE, fromSeq: lastSeq - PAGE + 1, toSeq: lastSeq };
  const message = { conversationId, role: 'user', content: 'one more' } as const;
  const rare = () => ({ query: rareWord(Math.floor(Math.random() * rareWords(size))) });
  const figures = {
    add: await median(300, () => client.request('message/add', message)),
    open: await median(300, () => client.request('message/range', open)),
    searchRare: await median(300, () => client.request('search', rare())),
    searchFrequent: await median(30, () => client.request('search', { query: FREQUENT_WORD })),
    list: await median(50, () => client.request('conversation/list', {})),
    start,
    memory: (await sample(child)).rss / 2 ** 20,
    size: statSync(folder.database).size / 2 ** 20,
  };
  await client.dispose();
  return figures;
}

/**
 * The median time that an action takes, in ms.
 * @param action may return what undoes it; that is not measured
 */
async function median(count: number, action: () => Promise<unknown>): Promise<number> {
  const durations: number[] = [];
  for (let index = 0; index < count; index++) {
    const before = performance.now();
    const undo = await action();
    durations.push(performance.now() - before);
    if (typeof undo === 'function') await undo();
  }
  return percentile(
    durations.sort((a, b) => a - b),
    0.5,
  );
}
