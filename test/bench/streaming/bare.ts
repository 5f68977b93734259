import type { ChatPanel } from '../../support/chatPanel.ts';

/** A text of which so many words come in a second, for so many seconds, so many to a paragraph. */
export interface GrowingText {
  rate: number;
  duration: number;
  paragraph: number;
}

/**
 * The floor of a stream that is painted: the panel's page makes up the text itself, and shows it in a bare element.
 * @returns ms between two paints that showed more, ascending
 */
export function paintBare({ feed }: ChatPanel, text: GrowingText): Promise<number[]> {
  return feed.evaluate((element, { rate, duration, paragraph }) => {
    const page = element.ownerDocument;
    const { performance, requestAnimationFrame, setInterval, clearInterval } = page.defaultView;
    const bare = page.body.appendChild(page.createElement('div'));
    bare.style.cssText = 'position: fixed; inset: 0; overflow: auto; background: Canvas';
    const start = performance.now();
    const paints: number[] = [];
    let come = 0;
    let shown = 0;
    let isDue = false;
    const paint = () => {
      isDue = false;
      paints.push(performance.now());
      for (; shown < come; shown++) {
        if (shown % paragraph === 0) bare.append(page.createElement('p'));
        bare.lastElementChild.append(` t${shown}`);
      }
      bare.scrollTop = bare.scrollHeight;
    };
    return new Promise<number[]>((resolve) => {
      const timer = setInterval(() => {
        come = Math.min(rate * duration, Math.floor(((performance.now() - start) * rate) / 1000));
        if (!isDue && shown < come) requestAnimationFrame(paint);
        isDue ||= shown < come;
        if (shown < rate * duration) return;
        clearInterval(timer);
        bare.remove();
        const gaps = paints.slice(1).map((at, index) => at - (paints[index] ?? at));
        resolve(gaps.sort((a, b) => a - b));
      }, 1000 / rate);
    });
  }, text);
}
