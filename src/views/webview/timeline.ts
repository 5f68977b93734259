import { computed, type ReadonlySignal, signal } from '@preact/signals';
import { DevChatError } from '../../protocol/errors.ts';
import type { Message } from '../../protocol/model.ts';
import type { PanelResults } from '../../protocol/panel.ts';
import type { SeqRange } from '../../sync/sequence.ts';
import { emptyPages, gaps, merge, type Pages, widen } from './pages.ts';

const PAGE = 50;
const LARGEST_REQUEST = 500;
/** Beyond this many messages a stretch is not worth bridging: the reader starts again at the newest page. */
const FAR = 2000;
const FIRST_RETRY_MS = 1000;
const LAST_RETRY_MS = 30_000;

/** How a timeline reaches its upstream. */
export interface TimelineOptions {
  fetch: (range: SeqRange) => Promise<PanelResults['range']>;
  /** False while nobody looks or nobody would answer; then nothing is fetched. */
  isLive: () => boolean;
}

/** The messages of one conversation, kept complete from the oldest wanted one to the newest. */
export class Timeline {
  readonly #options: TimelineOptions;
  readonly #pages = signal<Pages>(emptyPages);
  readonly #fetching = signal(false);
  readonly pages: ReadonlySignal<Pages> = this.#pages;
  readonly fetching: ReadonlySignal<boolean> = this.#fetching;
  readonly lastSeq = computed(() => this.#pages.value.lastSeq);
  /** Held rows may be out of date, because changes were not listened to for a while. */
  #stale = true;
  /** Numbers that were asked for in vain. */
  readonly #unanswered = new Set<number>();
  #retryMs = FIRST_RETRY_MS;
  #retry: ReturnType<typeof setTimeout> | undefined;

  constructor(options: TimelineOptions) {
    this.#options = options;
  }

  /** Shows what is held and brings it up to date; `anchor` is the message that the reader wants to return to. */
  open(lastSeq: number, anchor = lastSeq): void {
    const held = lastSeq - this.#pages.value.lastSeq > FAR ? emptyPages : this.#pages.value;
    const oldest = lastSeq - anchor > FAR ? lastSeq : Math.min(anchor, lastSeq);
    this.#pages.value = widen(merge(held, [], lastSeq), Math.min(lastSeq - PAGE + 1, oldest - PAGE / 2));
    this.#stale = true;
    this.#unanswered.clear();
    this.#retryMs = FIRST_RETRY_MS;
    void this.#fill();
  }

  /** Takes in rows that arrived by themselves and fetches what they show to be missing. */
  receive(messages: readonly Message[], lastSeq: number): void {
    this.#pages.value = merge(this.#pages.value, messages, lastSeq);
    void this.#fill();
  }

  /** Wants one more page of older messages, unless some are on their way already. */
  loadOlder(): void {
    const pages = this.#pages.value;
    if (pages.from === 1 || !Number.isFinite(pages.from) || this.#fetching.value || this.#next()) return;
    this.#pages.value = widen(pages, pages.from - PAGE);
    void this.#fill();
  }

  async #fill(): Promise<void> {
    if (this.#fetching.value) return;
    try {
      for (let range = this.#next(); range && this.#options.isLive(); range = this.#next()) {
        this.#fetching.value = true;
        await this.#fetchRange(range);
      }
    } catch (error) {
      if (!isGone(error)) this.#retryLater();
    } finally {
      this.#fetching.value = false;
    }
  }

  /** The stretch to ask for now: everything wanted when it may be out of date, otherwise the newest gap. */
  #next(): SeqRange | undefined {
    const { from, lastSeq } = this.#pages.value;
    if (this.#stale && from <= lastSeq) return { from, to: lastSeq };
    const gap = gaps(this.#pages.value, this.#unanswered).at(-1);
    return gap && { from: Math.max(gap.from, gap.to - LARGEST_REQUEST + 1), to: gap.to };
  }

  /** Answers are capped, so the rest is asked for, until an answer brings nothing. */
  async #fetchRange({ from, to }: SeqRange): Promise<void> {
    const refreshing = this.#stale;
    this.#stale = false;
    try {
      for (let next = from; next <= to; ) {
        const { messages, lastSeq } = await this.#options.fetch({ from: next, to });
        this.#pages.value = merge(this.#pages.value, messages, lastSeq);
        const last = messages.at(-1);
        if (!last || last.seq < next) return this.#excuse({ from: next, to });
        next = last.seq + 1;
      }
      this.#retryMs = FIRST_RETRY_MS;
    } catch (error) {
      this.#stale ||= refreshing;
      throw error;
    }
  }

  /** A replica may hold partial history: ask again later, but let nothing wait for it. */
  #excuse({ from, to }: SeqRange): void {
    for (let seq = from; seq <= to; seq++) this.#unanswered.add(seq);
    this.#retryLater();
  }

  #retryLater(): void {
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => {
      this.#unanswered.clear();
      void this.#fill();
    }, this.#retryMs);
    this.#retryMs = Math.min(this.#retryMs * 2, LAST_RETRY_MS);
  }
}

function isGone(error: unknown): boolean {
  return error instanceof DevChatError && (error.reason === 'deleted' || error.reason === 'not-found');
}
