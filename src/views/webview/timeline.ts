import { batch, computed, type ReadonlySignal, signal } from '@preact/signals';
import type { Message } from '../../protocol/model.ts';
import type { SyncStatus } from '../../sync/chat/ports.ts';
import { mergeRanges, type SeqRange, subtractRanges, toRanges } from '../../sync/sequence.ts';
import { claimedTwice, emptyPages, type IsOutdated, merge, type Pages, widen } from './pages.ts';

const PAGE = 50;
/** Beyond this many messages a stretch is not worth bridging: the reader starts again at the newest page. */
const FAR = 2000;

/** What the panel holds of one conversation, from the oldest message that the reader wants to the newest. */
export class Timeline {
  readonly #pages = signal<Pages>(emptyPages);
  readonly #isFetching = signal(false);
  readonly pages: ReadonlySignal<Pages> = this.#pages;
  readonly isFetching: ReadonlySignal<boolean> = this.#isFetching;
  readonly lastSeq = computed(() => this.#pages.value.lastSeq);
  /** Numbers whose rows may have changed. They are shown, but do not count as held. */
  #outdated: readonly SeqRange[] = [];
  /** Those of them since the last question, whose answer may be older than the change. */
  #outdatedSince: readonly SeqRange[] = [];

  /** Wants the newest page, and what leads to `anchor`, the message that the reader wants to return to. */
  open(lastSeq: number, anchor = lastSeq): void {
    const held = lastSeq - this.#pages.value.lastSeq > FAR ? emptyPages : this.#pages.value;
    const oldest = lastSeq - anchor > FAR ? lastSeq : Math.min(anchor, lastSeq);
    this.#pages.value = widen(merge(held, [], lastSeq), Math.min(lastSeq - PAGE + 1, oldest - PAGE / 2));
    // A row that the database does not know any more must count, or nobody would notice it.
    this.#outdated = subtractRanges(this.#outdated, [{ from: lastSeq + 1, to: Number.POSITIVE_INFINITY }]);
  }

  /** Wants one more page of older messages; returns its numbers. */
  widen(): SeqRange[] {
    const { from } = this.#pages.value;
    if (from === 1 || !Number.isFinite(from)) return [];
    this.#pages.value = widen(this.#pages.value, from - PAGE);
    return [{ from: this.#pages.value.from, to: from - 1 }];
  }

  /** Drops everything, because it contradicts the database, and wants the newest page. */
  startOver(lastSeq: number): void {
    batch(() => {
      this.#pages.value = emptyPages;
      this.#outdated = [];
      this.open(lastSeq);
    });
  }

  /** Goes on showing the rows of these numbers, but lets them be fetched again. */
  doubt(numbers: readonly SeqRange[]): void {
    this.#outdated = mergeRanges(this.#outdated, numbers);
    this.#outdatedSince = mergeRanges(this.#outdatedSince, numbers);
  }

  /** Does the same with every row, because changes were not listened to for a while. */
  doubtAll(): void {
    this.doubt(toRanges(this.#pages.value.rows.map(({ seq }) => seq)));
  }

  /** To be called before rows are asked for; there is one question at a time. */
  asking(): void {
    this.#outdatedSince = [];
  }

  /** Takes in rows that were asked for or came by themselves; returns a number that two messages claim, if any. */
  take(rows: readonly Message[]): number | undefined {
    const isOutdated: IsOutdated = (seq) => this.#outdated.some(({ from, to }) => from <= seq && seq <= to);
    const claimed = claimedTwice(this.#pages.value, rows, isOutdated);
    this.#pages.value = merge(this.#pages.value, rows, 0, isOutdated);
    const current = subtractRanges(toRanges(rows.map(({ seq }) => seq)), this.#outdatedSince);
    this.#outdated = subtractRanges(this.#outdated, current);
    return claimed;
  }

  /** The numbers that are held, and the older ones that nobody wants; ascending and disjoint. */
  ranges(): SeqRange[] {
    const { rows, from, lastSeq } = this.#pages.value;
    const held = subtractRanges(toRanges(rows.map(({ seq }) => seq)), this.#outdated);
    const unwanted = { from: 1, to: Math.min(from - 1, lastSeq) };
    return unwanted.to < unwanted.from ? held : mergeRanges([unwanted], held);
  }

  /** Shows how the conversation stands. */
  show({ expected = 0, isFetching }: SyncStatus): void {
    batch(() => {
      if (expected > this.#pages.value.lastSeq) this.#pages.value = merge(this.#pages.value, [], expected);
      this.#isFetching.value = isFetching;
    });
  }
}
