import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Locator } from 'playwright-core';
import { root } from '../../../scripts/lib/step.mjs';
import { createTempDir } from '../../../scripts/lib/tempDir.mjs';
import { startTestEditor, type TestEditor } from '../../support/editorHost.ts';
import { type GrowthFrame, watchGrowth } from '../../support/paintedGrowth.ts';
import { type ChatWindow, openChat } from '../../support/twoWindows.ts';
import { Windows } from '../../support/windows.ts';
import { epochTime, StolenTimeWatch } from '../processes.ts';
import { BareStream } from './bare.ts';

/** How one window showed a stream; times in ms. */
export interface Painted {
  /** Whether the whole text was there when the stream had ended. */
  isWhole: boolean;
  /** From handing a piece to the writer until the frame that shows it, ascending; one for every piece that was painted. */
  delays: number[];
  /** Between two frames that showed more than the one before, the longest last. */
  gaps: Gap[];
}

/** What lies between two frames, and what the host of this machine took of it at least, of all processors; in ms. */
export interface Gap {
  duration: number;
  stolen: number;
}

/** Windows that show the stream. */
const WINDOWS = 4;

/** How long what the start of the windows has left behind may take, in ms. */
const SETTLING = 10_000;

/** How often both ways are taken, in turn: the machine is not always equally fast. */
export const ROUNDS = 3;

/** Pieces of a paragraph or list, and of an item; as in a model's reply, they take turns. */
const BLOCK = 60;
const ITEM = 12;

/** A stream that is to be painted. */
interface Stream {
  /** Before it is measured, all windows show this of it, which is also its title. */
  beginning: string;
  /** Pieces per second. */
  rate: number;
  /** Of each way, in seconds. */
  duration: number;
}

/**
 * Has four windows of one editor show messages that the command writes piece by piece, and in turn with them, as the
 * floor, what a bare extension in the same windows gets.
 */
export async function paintInFourWindows({
  rate,
  duration,
}: Omit<Stream, 'beginning'>): Promise<{ windows: Painted[]; bare: Painted[] }> {
  const folder = createTempDir();
  const extensionsDir = join(folder.path, 'ext');
  const bare = new BareStream(folder.path, extensionsDir);
  const cleanups: (() => unknown)[] = [() => folder.remove(), () => bare.close()];
  try {
    const editor = await startTestEditor({ extensionsDir, env: bare.env });
    cleanups.push(() => editor.stop());
    const windows = await Windows.launch();
    cleanups.push(() => windows.close());
    const chats: ChatWindow[] = [];
    const elements: Locator[] = [];
    for (let index = 0; index < WINDOWS; index++) {
      const chat = await openChat(editor, windows, index + 1);
      chats.push(chat);
      elements.push(await bare.show(chat.window));
    }
    await delay(SETTLING);
    const [painted, floor]: [Painted[][], Painted[][]] = [[], []];
    for (let number = 1; number <= ROUNDS; number++) {
      const stream = { beginning: `Round ${number}:`, rate, duration: duration / ROUNDS };
      painted.push(await paintChats(editor, chats, stream));
      floor.push(await paintBare(bare, elements, stream));
    }
    return { windows: painted.reduce(together), bare: floor.reduce(together) };
  } finally {
    for (const cleanup of cleanups.reverse()) await cleanup();
  }
}

/** What the same windows showed in two rounds. */
function together(before: readonly Painted[], round: readonly Painted[]): Painted[] {
  return round.map((one, index) => {
    const { isWhole = true, delays = [], gaps = [] } = before[index] ?? {};
    return {
      isWhole: isWhole && one.isWhole,
      delays: ascending([...delays, ...one.delays]),
      gaps: longestLast([...gaps, ...one.gaps]),
    };
  });
}

async function paintChats(editor: TestEditor, chats: readonly ChatWindow[], stream: Stream): Promise<Painted[]> {
  const { beginning } = stream;
  const program = [join(root, 'dist', 'cli.cjs'), '--workspace', editor.workspace];
  const send = [...program, 'send', '-', '--role', 'assistant', '--title', beginning];
  const writer = spawn(process.execPath, send, { env: editor.env, stdio: ['pipe', 'ignore', 'inherit'] });
  const exited = once(writer, 'exit');
  writer.stdin.write(beginning);
  for (const { window, panel } of chats) {
    await window.conversations().open(beginning);
    await panel.message(beginning).waitFor();
  }
  const feeds = chats.map(({ panel }) => panel.feed);
  return paint(feeds, stream, async (pieces) => {
    for await (const piece of pieces) writer.stdin.write(piece);
    writer.stdin.end();
    await exited;
    for (const feed of feeds) await feed.locator('[role=article][aria-busy=false]').waitFor();
  });
}

function paintBare(bare: BareStream, elements: readonly Locator[], stream: Stream): Promise<Painted[]> {
  bare.begin(stream.beginning);
  return paint(elements, stream, async (pieces) => {
    let last = '';
    for await (const piece of pieces) {
      bare.send(piece);
      last = piece;
    }
    for (const element of elements) await element.getByText(last).waitFor();
  });
}

/**
 * Watches feeds while a text grows in them.
 * @param show has them show all pieces, and resolves when they do
 */
async function paint(
  feeds: readonly Locator[],
  { beginning, rate, duration }: Stream,
  show: (pieces: AsyncIterable<string>) => Promise<void>,
): Promise<Painted[]> {
  const watches = await Promise.all(feeds.map(watchGrowth));
  let text = beginning;
  const sentAt: number[] = [];
  async function* pieces() {
    const start = performance.now();
    for (let index = 0; index < rate * duration; index++) {
      await delay(Math.max(0, start + (1000 * index) / rate - performance.now()));
      const piece = pieceOf(index);
      text += piece;
      sentAt.push(epochTime());
      yield piece;
    }
  }
  const stealing = new StolenTimeWatch();
  await show(pieces());
  stealing.stop();
  const frames = await Promise.all(watches.map((watch) => watch.stop()));
  const texts = await Promise.all(feeds.map((feed) => feed.locator('.body').last().textContent()));
  return frames.map((all, index) => ({
    isWhole: withoutMarks(texts[index] ?? '') === withoutMarks(text),
    ...rated(all, sentAt, stealing),
  }));
}

function rated(
  frames: readonly GrowthFrame[],
  sentAt: readonly number[],
  stealing: StolenTimeWatch,
): Omit<Painted, 'isWhole'> {
  const delays = frames.flatMap(({ at, newest }, index) => {
    const first = (frames[index - 1]?.newest ?? -1) + 1;
    return sentAt.slice(first, newest + 1).map((sent) => at - sent);
  });
  const gaps = frames.slice(1).map(({ at }, index) => {
    const before = frames[index]?.at ?? at;
    return { duration: at - before, stolen: stealing.between(before, at) };
  });
  return { delays: ascending(delays), gaps: longestLast(gaps) };
}

/** One word of a reply: paragraphs and lists in turn, the first word of each item and paragraph is bold. */
function pieceOf(index: number): string {
  const isList = Math.floor(index / BLOCK) % 2 === 1;
  const beginsBlock = index % BLOCK === 0;
  const beginsItem = isList && index % ITEM === 0;
  if (!beginsBlock && !beginsItem) return ` t${index}`;
  return `${beginsBlock ? '\n\n' : '\n'}${isList ? '- ' : ''}**t${index}**`;
}

/** What makes a text paragraphs, items and bold is not in the text of a page. */
const withoutMarks = (text: string) => text.replaceAll(/[\s*-]/g, '');

const ascending = (values: number[]) => values.sort((a, b) => a - b);
const longestLast = (gaps: Gap[]) => gaps.sort((a, b) => a.duration - b.duration);
