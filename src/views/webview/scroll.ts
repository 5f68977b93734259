import type { PanelState } from '../../protocol/panel.ts';

/** Where the reader is: the first visible message and its distance in CSS pixels below the upper edge. */
export type Anchor = PanelState['anchors'][string];

const AT_END_PX = 40;
/** How far from an end of the list more of it is asked for. */
const NEAR_PX = 1000;
/** Where a message is put that was jumped to, as a share of the height. */
const JUMP_SHARE = 0.2;
const REPORT_MS = 100;

/** What has a place on the screen. */
export type Box = Pick<Element, 'getBoundingClientRect'>;

/** Where to begin and whom to tell. */
export interface ScrollOptions {
  /** Where to begin; null stands for the end. */
  anchor: Anchor | null;
  /** The reader rests somewhere else; null stands for the end. */
  onMove: (anchor: Anchor | null) => void;
  /** Whether the list ends with the newest message; otherwise its lower edge is a place like any other. */
  reachesEnd: () => boolean;
  onNearTop: () => void;
  onNearBottom: () => void;
}

/**
 * Keeps the reader's place while the list changes: at the end if that is where the reader is, otherwise at the first
 * visible message. The browser's own scroll anchoring does the same for sizes that change above, but neither at the
 * very top nor at the end.
 */
export class ScrollKeeper {
  readonly #scroller: HTMLElement;
  readonly #articles: HTMLCollectionOf<HTMLElement>;
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
    this.#articles = list.getElementsByClassName('message') as HTMLCollectionOf<HTMLElement>;
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
    this.#checkEdges();
  }

  toEnd(): void {
    this.#moveTo(null);
  }

  /** Goes to a message, now if it is in the list, otherwise when it comes. */
  toMessage(seq: number): void {
    this.#moveTo({ seq, offset: Math.round(this.#scroller.clientHeight * JUMP_SHARE) });
  }

  /** Moves a message or a part of it into view, if it is not there. */
  reveal(part: Box): void {
    const top = this.#offsetOf(part);
    const { height } = part.getBoundingClientRect();
    const isInView = top >= 0 && top + height <= this.#scroller.clientHeight;
    if (!isInView) this.#scroller.scrollTop += top - this.#scroller.clientHeight * JUMP_SHARE;
    this.#measure(1);
  }

  /** The first message at or behind a number that is in the list. */
  article(seq: number): HTMLElement | undefined {
    return this.#first((candidate) => Number(candidate.getAttribute('data-seq')) >= seq);
  }

  dispose(): void {
    this.#flush();
    this.#sizes.disconnect();
    this.#scroller.removeEventListener('scroll', this.#onScroll);
    this.#scroller.removeEventListener('scrollend', this.#onScrollEnd);
    window.removeEventListener('pagehide', this.#flush, { capture: true });
  }

  #moveTo(anchor: Anchor | null): void {
    this.#anchor = anchor;
    this.#reportSoon();
    this.settle();
  }

  #drift({ seq, offset }: Anchor): number {
    const article = this.article(seq);
    if (!article) return 0;
    // The message may have become shorter than what was above the edge.
    return this.#offsetOf(article) - Math.max(offset, 1 - article.clientHeight);
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
    this.#checkEdges();
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
    const isAtEnd = this.#options.reachesEnd() && this.#reach - this.#scroller.scrollTop <= atEndPx;
    this.#anchor =
      isAtEnd || !article ? null : { seq: Number(article.getAttribute('data-seq')), offset: this.#offsetOf(article) };
    this.#reportSoon();
  }

  /** Binary search: the messages ascend, and so do their positions. */
  #first(isThere: (article: Element) => boolean): HTMLElement | undefined {
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

  #offsetOf(part: Box): number {
    return part.getBoundingClientRect().top - this.#scroller.getBoundingClientRect().top;
  }

  #checkEdges(): void {
    const { clientHeight, scrollTop } = this.#scroller;
    if (clientHeight === 0) return;
    if (scrollTop < NEAR_PX) this.#options.onNearTop();
    if (this.#reach - scrollTop < NEAR_PX) this.#options.onNearBottom();
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
