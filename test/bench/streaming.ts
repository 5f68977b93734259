import { setTimeout as delay } from 'node:timers/promises';
import { percentile } from '../support/paintLatency.ts';
import { ms, type Section, table, targetTable, times } from './document.ts';
import { inFolder } from './folder.ts';
import { sample } from './processes.ts';
import { contenders, READERS } from './streaming/contenders.ts';
import { type Gap, type Painted, paintInFourWindows, ROUNDS } from './streaming/painted.ts';

/** Pieces per second, for so many seconds. */
const RATE = 200;
const DURATION = 10;
const PAINTED_DURATION = 30;

/** How much longer than with a bare element it may be between two paints, in 95 % and in 99 % of them. */
const SMOOTH = 2;

/** How long the last pieces may take, in ms. */
const GRACE = 500;

export const title = 'A streamed reply, looked on from three windows';

/** What one contender did with the stream. */
interface Stream {
  /** ms from handing a piece to the writer until a reader hands it out, ascending. */
  delays: number[];
  /** Of each process, the writer first: the share of one core, and the p99 of the event loop's delay in ms. */
  processes: { cpu: number; loopDelay: number }[];
}

/** Measures how soon, and at what cost, the pieces of a stream come out of the other instances. */
export async function measure(): Promise<Section> {
  const relay = await stream('relay');
  const product = await stream('product');
  const painted = await paintInFourWindows({ rate: RATE, duration: PAINTED_DURATION });
  const sent = RATE * DURATION * READERS;
  const late = percentile(product.delays, 0.99);
  const row = (what: string, { delays, processes: [writer, ...readers] }: Stream) => [
    what,
    `${delays.length} of ${sent}`,
    ms(percentile(delays, 0.5)),
    ms(percentile(delays, 0.99)),
    times(percentile(delays, 0.5) / percentile(relay.delays, 0.5)),
    percent(writer?.cpu ?? Number.NaN),
    percent(Math.max(...readers.map(({ cpu }) => cpu))),
    ms(Math.max(...[writer, ...readers].map((one) => one?.loopDelay ?? Number.NaN))),
  ];
  return {
    title,
    lines: [
      `${RATE} pieces per second for ${DURATION} s go to one instance and come out of ${READERS} others; the message’s row follows ` +
        'twice a second. The floor passes the same bytes from a pipe over a socket to a pipe.',
      '',
      ...table(
        [
          'way',
          'pieces arrived',
          'median ms',
          'p99 ms',
          '× floor',
          'CPU of the writer',
          'CPU of a reader, at most',
          'p99 of the event loops’ delay, ms, at most',
        ],
        [row('pipe, socket, pipe', relay), row('DevChat Sync', product)],
      ),
      ...targetTable([
        {
          target: 'every piece arrives',
          measured: `${product.delays.length} of ${sent}`,
          met: product.delays.length === sent,
        },
        { target: 'p99 at most one frame of the screen, 17 ms', measured: `${ms(late)} ms`, met: late <= 17 },
      ]),
      '',
      ...paintedLines(painted),
    ],
  };
}

/** How four windows of an editor showed a reply, frame by frame. */
function paintedLines({ windows, bare }: Awaited<ReturnType<typeof paintInFourWindows>>): string[] {
  const pieces = RATE * PAINTED_DURATION;
  const whole = windows.filter(({ isWhole }) => isWhole).length;
  const shown = windows.reduce((sum, { delays }) => sum + delays.length, 0);
  const row = (what: string, { delays, gaps }: Painted) => [
    what,
    `${delays.length} of ${pieces}`,
    ms(percentile(delays, 0.5)),
    ms(percentile(delays, 0.99)),
    gaps.length,
    ...[0.5, 0.95, 0.99, 1].map((share) => ms(percentile(durations(gaps), share))),
    ms(gaps.at(-1)?.stolen ?? Number.NaN),
  ];
  return [
    `Paragraphs and lists in ${ROUNDS} messages, ${PAINTED_DURATION} s in all, painted in four windows of a real VS Code in one browser, ` +
      'each with an extension host and an instance of its own. The floor, in turn with them in the same windows: an extension that ' +
      'gets the same pieces over a socket, passes them on 25 ms apart, and appends them as they stand to a bare element of the same ' +
      'width. Stolen is what the host of this machine gave to others meanwhile, of all processors.',
    '',
    ...table(
      [
        '',
        'pieces painted',
        'median ms',
        'p99 ms',
        'paints',
        'between paints, median ms',
        'p95 ms',
        'p99 ms',
        'longest ms',
        'stolen in it, ms',
      ],
      [
        ...windows.map((one, index) => row(`window ${index + 1}`, one)),
        ...bare.map((one, index) => row(`floor, window ${index + 1}`, one)),
      ],
    ),
    ...targetTable([
      {
        target: 'every piece is painted in every window',
        measured: `${shown} of ${pieces * windows.length}`,
        met: shown === pieces * windows.length,
      },
      {
        target: 'all windows end with the whole text',
        measured: `${whole} of ${windows.length}`,
        met: whole === windows.length,
      },
      ...[0.95, 0.99].map((share) => {
        const gap = (all: readonly Painted[]) => Math.max(...all.map(({ gaps }) => percentile(durations(gaps), share)));
        const ratio = gap(windows) / gap(bare);
        const target = `between two paints, in ${100 * share} %, at most ${SMOOTH} × the floor`;
        return { target, measured: `${ratio.toFixed(2)} ×`, met: ratio <= SMOOTH };
      }),
    ]),
  ];
}

const durations = (gaps: readonly Gap[]) => gaps.map(({ duration }) => duration);
const percent = (share: number) => `${(100 * share).toFixed(1)} %`;

function stream(name: keyof typeof contenders): Promise<Stream> {
  return inFolder(async (folder) => {
    const sentAt: number[] = [];
    const delays: number[] = [];
    const contender = await contenders[name](folder, (index) => {
      delays.push(performance.now() - (sentAt[index] ?? Number.NaN));
    });
    for (const child of contender.processes) child.send('watch loop');
    const before = await Promise.all(contender.processes.map(sample));
    const start = performance.now();
    for (let index = 0; index < RATE * DURATION; index++) {
      await delay(Math.max(0, start + (1000 * index) / RATE - performance.now()));
      sentAt.push(performance.now());
      contender.send();
    }
    await delay(GRACE);
    const after = await Promise.all(contender.processes.map(sample));
    await contender.close();
    const processes = after.map(({ cpu, loopDelay }, index) => ({
      cpu: (cpu - (before[index]?.cpu ?? 0)) / (1000 * DURATION + GRACE),
      loopDelay: loopDelay ?? Number.NaN,
    }));
    return { delays: delays.sort((a, b) => a - b), processes };
  });
}
