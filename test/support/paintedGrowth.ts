import type { ChatPanel } from './chatPanel.ts';

/** What one frame of a panel showed. */
export interface GrowthFrame {
  /** When it was about to be painted, in Unix ms. */
  at: number;
  /** The number that the newest message ends with; -1 when there is none. */
  newest: number;
}

/** A panel whose frames are being recorded. */
export interface GrowthWatch {
  /** Ends it after one more frame; all frames, in order. */
  stop(): Promise<GrowthFrame[]>;
}

/** Records from now on, at every frame of a panel, with which number its newest message ends. */
export async function watchGrowth(panel: ChatPanel): Promise<GrowthWatch> {
  const watch = await panel.feed.evaluateHandle((feed) => {
    const page = feed.ownerDocument.defaultView;
    const frames: GrowthFrame[] = [];
    let stopped: (() => void) | undefined;
    const look = () => {
      const text = feed.querySelector('[role=article]:last-of-type .body')?.textContent ?? '';
      const newest = Number(/\d+\s*$/.exec(text.slice(-20))?.[0] ?? -1);
      frames.push({ at: page.performance.timeOrigin + page.performance.now(), newest });
      if (stopped) stopped();
      else page.requestAnimationFrame(look);
    };
    page.requestAnimationFrame(look);
    const stop = () =>
      new Promise<GrowthFrame[]>((resolve) => {
        stopped = () => resolve(frames);
      });
    return { stop };
  });
  return { stop: () => watch.evaluate(({ stop }) => stop()) };
}
