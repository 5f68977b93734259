import type { Locator } from 'playwright-core';

/** A frame that showed more of a text. */
export interface GrowthFrame {
  /** When it was about to be painted, in Unix ms. */
  at: number;
  /** The number that the newest message ends with; -1 when there is none. */
  newest: number;
}

/** A feed whose growth is being recorded. */
export interface GrowthWatch {
  /** Ends it; all frames, in order. */
  stop(): Promise<GrowthFrame[]>;
}

/**
 * Records from now on with which number the newest message of a feed ends. Looks only when the feed changes, which must
 * happen in callbacks of frames: to ask for every frame would have the window make more of them than it needs.
 */
export async function watchGrowth(feed: Locator): Promise<GrowthWatch> {
  const watch = await feed.evaluateHandle((element) => {
    const page = element.ownerDocument.defaultView;
    const frames: GrowthFrame[] = [];
    const observer = new page.MutationObserver(() => {
      const text = element.querySelector('[role=article]:last-of-type .body > :last-child')?.textContent ?? '';
      const newest = Number(/\d+(?=\W*$)/.exec(text.slice(-20))?.[0] ?? -1);
      if (newest > (frames.at(-1)?.newest ?? -1))
        frames.push({ at: page.performance.timeOrigin + page.performance.now(), newest });
    });
    observer.observe(element, { childList: true, characterData: true, subtree: true });
    const stop = () => {
      observer.disconnect();
      return frames;
    };
    return { stop };
  });
  return { stop: () => watch.evaluate(({ stop }) => stop()) };
}
