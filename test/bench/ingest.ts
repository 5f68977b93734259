import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import Sqlite from 'better-sqlite3';
import { say } from '../../scripts/lib/step.mjs';
import { percentile } from '../support/paintLatency.ts';
import { ms, type Section, table, targetTable, times } from './document.ts';
import { inFolder } from './folder.ts';
import { appendLines, lineByLine, type Tail, together } from './ingest/agents.ts';
import {
  type Bootstrap,
  bootstrap,
  floor,
  ownWrites,
  type PAUSES,
  type Write,
  writesBesideFloor,
} from './ingest/bootstrap.ts';
import { type Corpus, writeCorpus } from './ingest/corpus.ts';
import { type HostDelay, readInWindow, type WindowReading } from './ingest/extensionHost.ts';
import { close, settled, startHost } from './ingest/hosts.ts';
import { sample } from './processes.ts';

/** What is read at once: so many sessions of so many turns; and how often, by each way in turn. */
const SESSIONS = 200;
const TURNS = 155;
const ROUNDS = 3;

/** Lines that are appended one after the other, and how many agents write at once. */
const LINES = 200;
const AGENTS = [1, 10, 100];

/** Files that nobody writes to any more, and how long they are watched, in s: each is looked at once meanwhile. */
const COLD_FILES = 5000;
const DURATION = 60;

/** Lines that an agent then writes beside them, per second, and for how long, in s. */
const RATE = 5;
const ACTIVE_DURATION = 20;

export const title = 'Transcripts of coding agents';

/** Measures reading all transcripts beside a floor, reading them as they are written, and not reading. */
export async function measure(): Promise<Section> {
  const bulk = await measureBootstrap();
  say('  lines as they are written …');
  const single = await lineByLine(LINES);
  const tails: Tail[] = [];
  for (const agents of AGENTS) tails.push(await together(agents));
  say(`  ${COLD_FILES} files at rest …`);
  return { title, lines: [...bulk, ...describeTails(single, tails), ...(await measureRest())] };
}

async function measureBootstrap(): Promise<string[]> {
  return inFolder(async ({ database }) => {
    const home = join(database, '../agent');
    const corpus = writeCorpus(home, SESSIONS, TURNS);
    const [floors, direct]: [number[], number[]] = [[], []];
    const [alone, beside]: [Bootstrap[], Bootstrap[]] = [[], []];
    const own: Record<keyof typeof PAUSES, Write[]> = { always: [], seldom: [] };
    const besideFloor: Write[] = [];
    for (let round = 1; round <= ROUNDS; round++) {
      say(`  all at once, round ${round} …`);
      floors.push(await floor(home, 'trigger'));
      direct.push(await floor(home, 'direct'));
      alone.push(await bootstrap(home, false));
      beside.push(await bootstrap(home, true));
      own.always.push(...(await ownWrites(home, 'always')));
      own.seldom.push(...(await ownWrites(home, 'seldom')));
      besideFloor.push(...(await writesBesideFloor(home)));
    }
    say('  all at once, in a window …');
    const window = await readInWindow(SESSIONS, TURNS);
    return describeBootstrap(corpus, { floors, direct, own, besideFloor, alone, beside }, window);
  });
}

function describeBootstrap(
  { files, records, messages, bytes }: Corpus,
  {
    floors,
    direct,
    own,
    besideFloor,
    alone,
    beside,
  }: Record<'floors' | 'direct', readonly number[]> &
    Record<'alone' | 'beside', readonly Bootstrap[]> & {
      own: Record<keyof typeof PAUSES, readonly Write[]>;
      besideFloor: readonly Write[];
    },
  { duration, reading, control: counting }: WindowReading,
): string[] {
  const [bare, filled] = [median(floors), median(direct)];
  const row = (name: string, runs: readonly Bootstrap[]) => {
    const duration = median(runs.map((run) => run.duration));
    const [p99, max] = (['p99', 'max'] as const).map((figure) => Math.max(...runs.map((run) => run.loopDelay[figure])));
    const memory = Math.max(...runs.map(({ peakMemory }) => peakMemory));
    return [name, ...speed(duration), times(bare / duration), ms(p99 ?? 0), ms(max ?? 0), Math.round(memory / 2 ** 20)];
  };
  const speed = (duration: number) => [
    (duration / 1000).toFixed(2),
    Math.round((1000 * messages) / duration),
    (bytes / 1000 / duration).toFixed(1),
  ];
  const ratio = bare / median(alone.map(({ duration }) => duration));
  const waits = Object.entries({
    'another window': waitsOf(beside.flatMap((run) => run.writes)),
    'the window whose instance reads': waitsOf(own.always),
    'that window after more than a second without one': waitsOf(own.seldom),
  });
  const control = ['control: a window, beside the floor at work on another file', waitsOf(besideFloor)] as const;
  const longest = (sorted: readonly number[]) => sorted.at(-1) ?? Number.NaN;
  const blocked = longest(reading.blocked);
  const host = (name: string, delay: HostDelay) => [
    name,
    ms(percentile(delay.p99, 0.5)),
    ...[delay.p99, delay.max, delay.blocked].map((figures) => ms(longest(figures))),
  ];
  return [
    `${files} sessions of Claude Code, generated: ${records.toLocaleString('en')} records, ` +
      `${messages.toLocaleString('en')} messages, ${Math.round(bytes / 1e6)} MB. The floor parses every line and inserts its ` +
      `text under the same full-text index, in one thread and as durable. Medians of ${ROUNDS} runs in turn; delays of the ` +
      'event loop and memory are those of the instance, the worst of all runs.',
    '',
    ...table(
      ['way', 's', 'messages/s', 'MB/s', '× floor', 'loop p99 ms', 'loop max ms', 'peak MiB'],
      [
        ['floor: parse, insert, index by trigger', ...speed(bare), times(1), '', '', ''],
        ['the same, index by a statement of its own', ...speed(filled), times(bare / filled), '', '', ''],
        row('DevChat Sync', alone),
        row('the same beside a window that writes', beside),
      ],
    ),
    '',
    ...table(
      ['writes of', 'number', 'median ms', 'p99 ms', 'max ms', 'p99 ms, own', 'max ms, own'],
      [...waits, control].map(([whose, { all, own }]) => [
        ...[whose, all.length, ms(percentile(all, 0.5))],
        ...[all, own].flatMap((sorted) => [ms(percentile(sorted, 0.99)), ms(longest(sorted))]),
      ]),
    ),
    '',
    'Own is what remains of each write without the time that the host of this machine gave to others meanwhile, as far as the ' +
      'kernel is told: of all processors, in steps of 10 ms.',
    '',
    `In a window of a real VS Code that was open before, the same took ${(duration / 1000).toFixed(1)} s. How late the event ` +
      'loop of its extension host was, beside what it is when every processor is kept busy by a program that only counts. ' +
      'Blocked is what remains when the time is taken off in which the thread was ready and others had the processors: the editor’s ' +
      'page, the instance that reads, the programs that count, or other machines on the same host.',
    '',
    ...table(
      ['extension host', 'p99 ms, median of half seconds', 'p99 ms, worst', 'max ms', 'blocked, max ms'],
      [host('transcripts are read', reading), host('others count, nothing is read', counting)],
    ),
    ...targetTable([
      { target: 'all at once at 0.8 × the floor', measured: `${times(ratio)} ×`, met: ratio >= 0.8 },
      {
        target: 'extension host never blocked for more than 20 ms by what runs in it',
        measured: `${ms(blocked)} ms`,
        met: blocked <= 20,
      },
      ...waits.map(([whose, { all, own }]) => ({
        target: `a write of ${whose} waits less than 100 ms of its own`,
        measured: `${ms(longest(own))} ms (${ms(longest(all))} by the clock)`,
        met: longest(own) < 100,
      })),
    ]),
  ];
}

function describeTails(single: Tail, tails: readonly Tail[]): string[] {
  const row = (name: string, values: readonly number[], perSecond: string) => [
    name,
    ms(percentile(values, 0.5)),
    ms(percentile(values, 0.99)),
    ms(values.at(-1) ?? Number.NaN),
    perSecond,
  ];
  const committed = percentile(single.committed, 0.5);
  return [
    '',
    `Lines that are appended to transcripts, until the row is committed and until a sibling’s client has it. First ${LINES} of ` +
      'one agent, each when the one before has arrived; then agents that write 20 lines per second each, all at once.',
    '',
    ...table(
      ['', 'median ms', 'p99 ms', 'max ms', 'lines/s'],
      [
        row('one after the other, committed', single.committed, ''),
        row('one after the other, read in a sibling', single.read, single.perSecond.toFixed(0)),
        ...tails.map((tail, index) =>
          row(`${AGENTS[index]} agents, read in a sibling`, tail.read, tail.perSecond.toFixed(0)),
        ),
      ],
    ),
    ...targetTable([
      { target: 'median from append to commit at most 50 ms', measured: `${ms(committed)} ms`, met: committed <= 50 },
    ]),
  ];
}

async function measureRest(): Promise<string[]> {
  return inFolder(async (folder) => {
    const home = join(folder.database, '../agent');
    writeCorpus(home, COLD_FILES, 1);
    const host = await startHost(folder, home);
    await settled(host);
    const observer = new Sqlite(folder.database, { readonly: true });
    const version = () => observer.pragma('data_version', { simple: true });
    const [before, written] = [await sample(host), version()];
    await delay(DURATION * 1000);
    const [after, isSame] = [await sample(host), version() === written];
    observer.close();
    await appendLines(home, RATE * ACTIVE_DURATION, 1000 / RATE);
    const active = ((await sample(host)).cpu - after.cpu) / 1000 / ACTIVE_DURATION;
    await close(host);
    const share = (after.cpu - before.cpu) / 1000 / DURATION;
    return [
      '',
      `An instance that has read ${COLD_FILES} files, of which none changes for ${DURATION} s: ${(100 * share).toFixed(3)} % of one ` +
        `core, ${((after.switches - before.switches) / DURATION).toFixed(1)} sleeps per second, ${isSame ? 'no' : 'some'} writes, ` +
        `${Math.round(after.rss / 2 ** 20)} MiB. While an agent then writes ${RATE} lines per second to another one beside them: ` +
        `${(100 * active).toFixed(1)} %.`,
      ...targetTable([
        { target: 'no writes', measured: isSame ? 'none' : 'some', met: isSame },
        { target: 'below 0.5 % of one core', measured: `${(100 * share).toFixed(3)} %`, met: share < 0.005 },
      ]),
    ];
  });
}

/** How long writes took, in ms, ascending: by the clock, and without what the host of this machine took of it. */
function waitsOf(writes: readonly Write[]): Record<'all' | 'own', number[]> {
  const ascending = (times: number[]) => times.sort((a, b) => a - b);
  return {
    all: ascending(writes.map(({ duration }) => duration)),
    own: ascending(writes.map(({ duration, stolen }) => Math.max(0, duration - stolen))),
  };
}

function median(values: readonly number[]): number {
  return percentile(
    [...values].sort((a, b) => a - b),
    0.5,
  );
}
