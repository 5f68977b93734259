import type { JSHandle } from 'playwright-core';
import type { ChatPanel } from './chatPanel.ts';

/** A panel in which messages are written and shown. */
export type LatencyPanel = Pick<ChatPanel, 'composer' | 'feed'>;

/**
 * Sends messages in one panel, one after the other, and measures until each is painted in the other.
 * Both must show the same conversation. The clocks of two pages of one browser agree.
 * @returns ms per message, from the key press to after the frame that shows the article, ascending
 */
export async function paintLatencies(from: LatencyPanel, to: LatencyPanel, count: number): Promise<number[]> {
  const latencies: number[] = [];
  for (let index = 0; index < count; index++) {
    const text = `measured ${index} ${Math.random()}`;
    const observer = await observePaint(to, text);
    const sentAt = await pressEnter(from, text);
    latencies.push((await observer.evaluate(({ painted }) => painted)) - sentAt);
    await observer.dispose();
  }
  return latencies.sort((a, b) => a - b);
}

/** The value below which the share `p` of ascending values lies. */
export function percentile(ascending: readonly number[], p: number): number {
  return ascending[Math.min(ascending.length - 1, Math.floor(p * ascending.length))] ?? Number.NaN;
}

/** Resolves when the panel is being observed; `painted` is then the time at which the text was painted. */
export function observePaint(
  { feed }: Pick<LatencyPanel, 'feed'>,
  text: string,
): Promise<JSHandle<{ painted: Promise<number> }>> {
  return feed.evaluateHandle((feed, wanted) => {
    const page = feed.ownerDocument.defaultView;
    const painted = new Promise<number>((resolve) => {
      const observer = new page.MutationObserver(() => {
        if (!feed.querySelector('[role=article]:last-of-type')?.textContent.includes(wanted)) return;
        observer.disconnect();
        // A task queued in a frame's callback runs after that frame was painted.
        page.requestAnimationFrame(() => {
          const { port1, port2 } = new page.MessageChannel();
          port1.onmessage = () => resolve(page.performance.timeOrigin + page.performance.now());
          port2.postMessage(null);
        });
      });
      observer.observe(feed, { childList: true, subtree: true });
    });
    return { painted };
  }, text);
}

function pressEnter({ composer }: LatencyPanel, text: string): Promise<number> {
  return composer.evaluate((field, value) => {
    const page = field.ownerDocument.defaultView;
    field.value = value;
    field.dispatchEvent(new page.InputEvent('input', { bubbles: true }));
    const sentAt = page.performance.timeOrigin + page.performance.now();
    field.dispatchEvent(new page.KeyboardEvent('keydown', { key: 'Enter', bubbles: true, cancelable: true }));
    return sentAt;
  }, text);
}
