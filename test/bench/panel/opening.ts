import type { JSHandle } from 'playwright-core';
import type { OneWindow } from '../../support/oneWindow.ts';
import { tell } from '../../support/panelNews.ts';

/** As many other conversations as make the panel forget one. */
const FORGOTTEN_AFTER = 10;

interface View {
  type: 'view';
  view: { conversation: { id: string; title: string; lastSeq: number } | null };
}
interface Watch {
  view: View | undefined;
  /** Resolves with the ms from the host's word to the frame that shows the first messages of the next conversation. */
  painted(): Promise<number>;
}

/** Watches what a panel is told, and when it shows it; no messages may be shown when `painted` is called. */
function watchOpening({ panel }: OneWindow): Promise<JSHandle<Watch>> {
  return panel.frame.evaluateHandle(() => {
    // biome-ignore lint/suspicious/noExplicitAny: the page's types are not known here
    const page = globalThis as any;
    const watch: Watch = { view: undefined, painted: () => new Promise(() => undefined) };
    let told = 0;
    page.addEventListener('message', ({ data }: { data: View }) => {
      if (data.type !== 'view') return;
      if (data.view.conversation?.id !== watch.view?.view.conversation?.id) told = page.performance.now();
      watch.view = data;
    });
    watch.painted = () =>
      new Promise((resolve) => {
        const observer = new page.MutationObserver(() => {
          if (!page.document.querySelector('[role=feed] [role=article] .body > *')) return;
          observer.disconnect();
          // A task queued in a frame's callback runs after that frame was painted.
          page.requestAnimationFrame(() => {
            const { port1, port2 } = new page.MessageChannel();
            port1.onmessage = () => resolve(page.performance.now() - told);
            port2.postMessage(null);
          });
        });
        observer.observe(page.document.body, { childList: true, subtree: true });
      });
    return watch;
  });
}

/**
 * Opens conversations in turn, each time one that the panel has forgotten.
 * @returns ms until the first messages are painted, ascending, by title
 */
export async function openInTurn(
  one: OneWindow,
  titles: readonly string[],
  times: number,
): Promise<Map<string, number[]>> {
  const watch = await watchOpening(one);
  const opened = new Map<string, number[]>(titles.map((title) => [title, []]));
  const last = titles.at(-1) ?? '';
  await one.open(last);
  for (let round = 0; round <= times; round++) {
    for (const title of titles) {
      await forget(one, watch);
      const painted = await watch.evaluateHandle((page) => ({ painted: page.painted() }));
      await one.window.conversations().open(title);
      const duration = await painted.evaluate((handle) => handle.painted);
      // What is done for the first time is not usual.
      if (round > 0) opened.get(title)?.push(duration);
    }
  }
  for (const durations of opened.values()) durations.sort((a, b) => a - b);
  return opened;
}

async function forget({ panel }: OneWindow, watch: JSHandle<Watch>): Promise<void> {
  const view = await watch.evaluate((page) => page.view);
  if (!view) throw new Error('The panel was told nothing.');
  const others = Array.from({ length: FORGOTTEN_AFTER }, () => {
    const conversation = { id: crypto.randomUUID(), title: 'Other', lastSeq: 0 };
    return { ...view, view: { ...view.view, conversation } };
  });
  for (const other of others) await tell(panel, [other as never]);
}
