import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { root } from '../../../scripts/lib/step.mjs';
import { type GrowthFrame, watchGrowth } from '../../support/paintedGrowth.ts';
import { openChat, openTwoWindows } from '../../support/twoWindows.ts';
import { paintBare } from './bare.ts';

/** How one window showed a stream; times in ms. */
export interface Painted {
  /** Whether the whole text was there when the stream had ended. */
  isWhole: boolean;
  /** From handing a piece to the writer until the frame that shows it, ascending; one for every piece that was painted. */
  delays: number[];
  /** Between two frames that showed more than the one before, ascending. */
  gaps: number[];
  /** Frames that came more than 50 ms after the one before. */
  lateFrames: number;
}

const now = () => performance.timeOrigin + performance.now();

/** Before the stream is measured, all windows show this of it. */
const BEGINNING = 'Go:';

/** A title by which the tree finds the conversation. */
const TITLE = 'Streamed';

/** Pieces of a paragraph, as a model's reply has some. */
const PARAGRAPH = 60;

/** How much later than the one before a frame is late, in ms. */
const LATE = 50;

/**
 * Has the command write a message piece by piece while four windows of one editor show it.
 * @param rate pieces per second
 * @param duration for how many seconds
 * @returns how each window showed it; and of the floor, ms between two paints in each window, ascending
 */
export async function paintInFourWindows(
  rate: number,
  duration: number,
): Promise<{ windows: Painted[]; bare: number[][] }> {
  const two = await openTwoWindows();
  try {
    const { editor, windows } = two;
    const chats = [two.a, two.b, await openChat(editor, windows, 3), await openChat(editor, windows, 4)];
    const program = [join(root, 'dist', 'cli.cjs'), '--workspace', editor.workspace];
    const send = [...program, 'send', '-', '--role', 'assistant', '--title', TITLE];
    const writer = spawn(process.execPath, send, { env: editor.env, stdio: ['pipe', 'ignore', 'inherit'] });
    const exited = once(writer, 'exit');
    writer.stdin.write(BEGINNING);
    for (const { window, panel } of chats) {
      await window.conversations().open(TITLE);
      await panel.message(BEGINNING).waitFor();
    }
    const watches = await Promise.all(chats.map(({ panel }) => watchGrowth(panel)));
    let text = BEGINNING;
    const sentAt: number[] = [];
    const start = performance.now();
    for (let index = 0; index < rate * duration; index++) {
      await delay(Math.max(0, start + (1000 * index) / rate - performance.now()));
      const piece = `${index % PARAGRAPH === 0 ? '\n\n' : ' '}t${index}`;
      text += piece;
      sentAt.push(now());
      writer.stdin.write(piece);
    }
    writer.stdin.end();
    await exited;
    for (const { panel } of chats) await panel.feed.locator('[role=article][aria-busy=false]').waitFor();
    const frames = await Promise.all(watches.map((watch) => watch.stop()));
    const texts = await Promise.all(chats.map(async ({ panel }) => (await panel.messages()).at(-1)?.text ?? ''));
    const grown = { rate, duration, paragraph: PARAGRAPH };
    const bare = await Promise.all(chats.map(({ panel }) => paintBare(panel, grown)));
    const painted = frames.map((all, index) => ({
      isWhole: withoutSpace(texts[index] ?? '') === withoutSpace(text),
      ...rated(all, sentAt),
    }));
    return { windows: painted, bare };
  } finally {
    await two.close();
  }
}

function rated(frames: readonly GrowthFrame[], sentAt: readonly number[]): Omit<Painted, 'isWhole'> {
  const grown = frames.filter(({ newest }, index) => newest > (frames[index - 1]?.newest ?? -1));
  const delays = grown.flatMap(({ at, newest }, index) => {
    const first = (grown[index - 1]?.newest ?? -1) + 1;
    return sentAt.slice(first, newest + 1).map((sent) => at - sent);
  });
  const between = (some: readonly GrowthFrame[]) => some.slice(1).map(({ at }, index) => at - (some[index]?.at ?? at));
  return {
    delays: ascending(delays),
    gaps: ascending(between(grown)),
    lateFrames: between(frames).filter((gap) => gap > LATE).length,
  };
}

/** Where paragraphs begin is not in the text of a page. */
const withoutSpace = (text: string) => text.replaceAll(/\s/g, '');

const ascending = (values: number[]) => values.sort((a, b) => a - b);
