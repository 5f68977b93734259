import type { ChatPanel } from '../../support/chatPanel.ts';

/** How a list was scrolled. */
export interface Scrolled {
  /** Between two frames, ms, ascending. */
  gaps: number[];
  /** Messages that passed. */
  messages: number;
}

/** Pulls the list of a panel up by so many CSS pixels in each frame, for so many ms. */
export function scrollUp({ feed }: ChatPanel, pixels: number, duration: number): Promise<Scrolled> {
  return feed.evaluate(
    (list, [step, time]) => {
      const page = list.ownerDocument.defaultView;
      const scroller = list.parentElement;
      const seqNow = () => Number(list.querySelector('[role=article]')?.dataset.seq);
      const start = page.performance.now();
      const first = seqNow();
      const gaps: number[] = [];
      return new Promise<Scrolled>((resolve) => {
        let last = start;
        const look = (now: number) => {
          gaps.push(now - last);
          last = now;
          scroller.scrollTop -= step;
          if (now - start < time) page.requestAnimationFrame(look);
          else resolve({ gaps: gaps.slice(1).sort((a, b) => a - b), messages: first - seqNow() });
        };
        page.requestAnimationFrame(look);
      });
    },
    [pixels, duration] as const,
  );
}
