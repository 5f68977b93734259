import type { PanelState } from '../../protocol/panel.ts';

/** Where the reader is: the first visible message and its distance in CSS pixels below the upper edge. */
export type Anchor = PanelState['anchors'][string];

const AT_END_PX = 40;
const NEAR_TOP_PX = 600;
const REPORT_MS = 100;

/** Where to begin and whom to tell. */
export interface ScrollOptions {
  /** Where to begin; null stands for the end. */
  anchor: Anchor | null;
  /** The reader rests somewhere else; null stands for the end. */
  onMove: (anchor: Anchor | null) => void;
  onNearTop: () => void;
}

/**
 * Keeps the reader's place while the list changes: at the end if that is where the reader is, otherwise at the first
 * visible message. The browser's own scroll anchoring does the same for sizes that change above, but neither at the
 * very top nor at the end.
 */
export class ScrollKeeper {
  readonly #scroller: HTMLElement;
  readonly #articles: HTMLCollectionOf<Element>;
  readonly #options: ScrollOptions;
  readonly #sizes = new ResizeObserver(() => this.#onResize());
  #anchor: Anchor | null;
  /** Where this class put the scroller; a different position means that the reader or the browser moved it. */
  #placedAt = 0;
  #lastTop = 0;
  /** How far the list could be scrolled when the reader's place was last known for sure. */
  #reach = 0;
  #report: ReturnType<typeof setTimeout> | undefined;

  /** `list` is the element whose children of class `message` are the messages, ascending. */
  constructor(scroller: HTMLElement, list: HTMLElement, options: ScrollOptions) {
    this.#scroller = scroller;
    this.#articles = list.getElementsByClassName('message');
    this.#options = options;
    this.#anchor = options.anchor;
    scroller.addEventListener('scroll', this.#onScroll, { passive: true });
    scroller.addEventListener('scrollend', this.#onScrollEnd);
    // In the capture phase, so that the place is known before the state is saved.
    window.addEventListener('pagehide', this.#flush, { capture: true });
    for (const box of [scroller, ...scroller.children]) this.#sizes.observe(box);
  }

  /** Null while the reader is at the end. */
  get anchor(): Anchor | null {
    return this.#anchor;
  }

  /** Restores the reader's place after the list has changed. */
  settle(): void {
    const scroller = this.#scroller;
    if (this.#anchor) scroller.scrollTop += this.#drift(this.#anchor);
    else scroller.scrollTop = scroller.scrollHeight;
    this.#placedAt = scroller.scrollTop;
    this.#lastTop = scroller.scrollTop;
    this.#reach = reachOf(scroller);
    this.#checkTop();
  }

  toEnd(): void {
    this.#anchor = null;
    this.#reportSoon();
    this.settle();
  }

  dispose(): void {
    this.#flush();
    this.#sizes.disconnect();
    this.#scroller.removeEventListener('scroll', this.#onScroll);
    this.#scroller.removeEventListener('scrollend', this.#onScrollEnd);
    window.removeEventListener('pagehide', this.#flush, { capture: true });
  }

  #drift({ seq, offset }: Anchor): number {
    const article = this.#first((candidate) => Number(candidate.getAttribute('data-seq')) >= seq);
    return article ? this.#offsetOf(article) - offset : 0;
  }

  readonly #onScroll = () => {
    const { scrollTop } = this.#scroller;
    const up = this.#lastTop - scrollTop;
    this.#lastTop = scrollTop;
    if (scrollTop === this.#placedAt) return;
    // A list that got shorter, or a taller composer, moves the end; only going further up is the reader's doing.
    const shrunk = this.#reach - reachOf(this.#scroller);
    if (this.#anchor === null && shrunk !== 0 && up <= Math.max(shrunk, 0) + 1) return this.settle();
    this.#placedAt = Number.NaN;
    // On the way up the first pixels count, or a change meanwhile would pull the reader back to the end.
    this.#measure(up > 0 ? 1 : AT_END_PX);
    this.#checkTop();
  };

  readonly #onScrollEnd = () => {
    if (this.#scroller.scrollTop !== this.#placedAt) this.#measure(AT_END_PX);
  };

  #onResize(): void {
    // Once the reader has moved, the browser's scroll anchoring is the better judge: it does not end a smooth scroll.
    if (this.#anchor === null || this.#scroller.scrollTop === this.#placedAt) this.settle();
  }

  #measure(atEndPx: number): void {
    this.#reach = reachOf(this.#scroller);
    const article = this.#first((candidate) => this.#offsetOf(candidate) + candidate.clientHeight > 0);
    const isAtEnd = this.#reach - this.#scroller.scrollTop <= atEndPx;
    this.#anchor =
      isAtEnd || !article ? null : { seq: Number(article.getAttribute('data-seq')), offset: this.#offsetOf(article) };
    this.#reportSoon();
  }

  /** Binary search: the messages ascend, and so do their positions. */
  #first(isThere: (article: Element) => boolean): Element | undefined {
    let low = 0;
    let high = this.#articles.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const article = this.#articles[middle];
      if (article && isThere(article)) high = middle;
      else low = middle + 1;
    }
    return this.#articles[low];
  }

  #offsetOf(article: Element): number {
    return article.getBoundingClientRect().top - this.#scroller.getBoundingClientRect().top;
  }

  #checkTop(): void {
    if (this.#scroller.clientHeight > 0 && this.#scroller.scrollTop < NEAR_TOP_PX) this.#options.onNearTop();
  }

  #reportSoon(): void {
    this.#report ??= setTimeout(this.#flush, REPORT_MS);
  }

  readonly #flush = () => {
    if (this.#report === undefined) return;
    clearTimeout(this.#report);
    this.#report = undefined;
    this.#options.onMove(this.#anchor);
  };
}

function reachOf({ scrollHeight, clientHeight }: HTMLElement): number {
  return scrollHeight - clientHeight;
}
