import { existsSync, statSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { packagePath } from '../../scripts/lib/packagePath.mjs';
import type { Message } from '../../src/protocol/model.ts';
import { ChatPanel } from '../support/chatPanel.ts';
import { type OneWindow, openOneWindow } from '../support/oneWindow.ts';
import { percentile } from '../support/paintLatency.ts';
import { ms, type Section, type Target, table, targetTable, times } from './document.ts';
import { fillConversation } from './panel/fill.ts';
import { openInTurn } from './panel/opening.ts';
import { type Scrolled, scrollUp } from './panel/scrolling.ts';
import { activationTime, instanceMemory, meterPage, type PageUsage } from './panel/usage.ts';

const SIZES = [100, 10_000, 100_000];
const LARGEST = '100,000 messages';
const OPENINGS = 15;

/** CSS pixels per frame, for so many ms. */
const SCROLL_STEP = 600;
const SCROLL_TIME = 20_000;

/** Pieces of a reply per second, for so many seconds. */
const RATE = 200;
const STREAMED = 15;

const RELOADS = 3;

export const title = 'The panel: opening, scrolling, streaming, memory';

/** Measures one window of a real editor on conversations of three sizes. */
export async function measure(): Promise<Section> {
  const one = await openOneWindow();
  try {
    const { databasePath } = await one.sibling.request<{ databasePath: string }>('sync/status');
    for (const size of SIZES) fillConversation(databasePath, titleOf(size), size);
    const activations: number[] = [];
    for (let reload = 0; reload < RELOADS; reload++) {
      await one.window.reload();
      one.panel = await ChatPanel.of(one.window);
      activations.push(await activationTime(one));
    }
    const opened = await openInTurn(one, SIZES.map(titleOf), OPENINGS);
    const usage = await meterPage(one);
    const before = await usage();
    await one.open(LARGEST);
    const scrolled = await scrollUp(one.panel, SCROLL_STEP, SCROLL_TIME);
    const after = await usage();
    const busy = await streamedShare(one, usage);
    return {
      title,
      lines: [
        'One window of a real VS Code, with conversations of usual texts. A conversation is opened when the panel has forgotten it; ' +
          'from the host’s word to the frame that shows its first messages.',
        '',
        ...table(
          ['conversation', 'median ms', 'p95 ms'],
          [...opened].map(([name, all]) => [name, ms(percentile(all, 0.5)), ms(percentile(all, 0.95))]),
        ),
        '',
        ...table(
          ['', 'measured'],
          [
            [`messages passed in ${SCROLL_TIME / 1000} s of scrolling through the largest`, scrolled.messages],
            ['JavaScript heap of the page, workbench included, before it', mebibytes(before.heap)],
            ['the same after it', mebibytes(after.heap)],
            ['elements in the panel after it', after.elements],
            ['resident memory of the instance', mebibytes(instanceMemory(databasePath, one))],
          ],
        ),
        ...targetTable(targets({ opened, scrolled, busy, activations })),
      ],
    };
  } finally {
    await one.close();
  }
}

const titleOf = (size: number) => `${size.toLocaleString('en')} messages`;
const mebibytes = (value: number) => `${value.toFixed(1)} MiB`;

interface Figures {
  opened: ReadonlyMap<string, readonly number[]>;
  scrolled: Scrolled;
  busy: number;
  activations: number[];
}

function targets({ opened, scrolled, busy, activations }: Figures): Target[] {
  const median = (size: number) => percentile(opened.get(titleOf(size)) ?? [], 0.5);
  const ratio = median(100_000) / median(100);
  const late = percentile(scrolled.gaps, 0.95);
  const activation = percentile(
    activations.sort((a, b) => a - b),
    0.5,
  );
  const size = existsSync(packagePath) ? statSync(packagePath).size / 1e6 : Number.NaN;
  return [
    {
      target: '100,000 messages open in at most 1.5 × the time of 100',
      measured: `${times(ratio)} ×`,
      met: ratio <= 1.5,
    },
    {
      target: 'median until the first of 100,000 at most 50 ms',
      measured: `${ms(median(100_000))} ms`,
      met: median(100_000) <= 50,
    },
    { target: 'while scrolling, 95 % of frames within 50 ms', measured: `${ms(late)} ms`, met: late <= 50 },
    {
      target: `main thread busy at most half the time at ${RATE} pieces per second`,
      measured: `${(100 * busy).toFixed(1)} %`,
      met: busy <= 0.5,
    },
    { target: 'activation at most 50 ms', measured: `${ms(activation)} ms`, met: activation <= 50 },
    { target: 'the package at most 5 MB', measured: `${size.toFixed(2)} MB`, met: size <= 5 },
  ];
}

/** The share of time that the page's main thread is busy while a reply grows. */
async function streamedShare(one: OneWindow, usage: () => Promise<PageUsage>): Promise<number> {
  const { id: conversationId } = await one.create('Streamed');
  await one.open('Streamed');
  const { id: messageId } = await one.sibling.request<Message>('stream/start', { conversationId });
  const append = (text: string) => one.sibling.request('stream/append', { messageId, text });
  await append('Go:');
  await one.panel.message('Go:').waitFor();
  const before = await usage();
  const start = performance.now();
  for (let piece = 0; piece < RATE * STREAMED; piece++) {
    await delay(Math.max(0, start + (1000 * piece) / RATE - performance.now()));
    await append(`${piece % 60 === 0 ? '\n\n' : ' '}t${piece}`);
  }
  const duration = performance.now() - start;
  const after = await usage();
  await one.sibling.request('stream/finish', { messageId });
  return (after.busy - before.busy) / duration;
}
