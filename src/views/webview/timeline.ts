import { batch, computed, type ReadonlySignal, signal } from '@preact/signals';
import type { Message } from '../../protocol/model.ts';
import type { SyncStatus } from '../../sync/chat/ports.ts';
import { mergeRanges, type SeqRange, subtractRanges, toRanges } from '../../sync/sequence.ts';
import {
  claimedTwice,
  countShown,
  cutNewer,
  cutOlder,
  emptyPages,
  type IsOutdated,
  merge,
  newestWanted,
  nothingWanted,
  type Pages,
  reachesEnd,
  want,
  wanted,
  withoutOthers,
} from './pages.ts';
import { toolsOf } from './tools.ts';

/** Few, so that the first ones are on screen at once, and none of the following holds up the scrolling. */
const PAGE = 20;
/** Most messages that are held while the reader goes through a conversation. */
const WIDEST = 300;
/** To how many they may grow by arrivals: each time that some are dropped, the list is laid out again. */
const OVERGROWN = 500;

/** What the panel holds of one conversation: a stretch that moves with its reader. */
export class Timeline {
  readonly #pages = signal<Pages>(emptyPages);
  readonly #isFetching = signal(false);
  readonly pages: ReadonlySignal<Pages> = this.#pages;
  readonly isFetching: ReadonlySignal<boolean> = this.#isFetching;
  readonly lastSeq = computed(() => this.#pages.value.lastSeq);
  /** The calls of tools among what is held. */
  readonly tools = computed(() => toolsOf(this.#pages.value.rows));
  /** Numbers whose rows may have changed. They are shown, but do not count as held. */
  #outdated: readonly SeqRange[] = [];
  /** Those of them since the last question, whose answer may be older than the change. */
  #outdatedSince: readonly SeqRange[] = [];

  /** Wants what is around `anchor`, the message that the reader wants to return to, or without it the newest page. */
  open(lastSeq: number, anchor = lastSeq): void {
    const known = merge(this.#pages.value, [], lastSeq);
    this.#pages.value = countShown(known) > OVERGROWN ? { ...known, ...nothingWanted } : known;
    this.around(Math.min(anchor, lastSeq));
    // A row that the database does not know any more must count, or nobody would notice it.
    this.#outdated = subtractRanges(this.#outdated, [{ from: lastSeq + 1, to: Number.POSITIVE_INFINITY }]);
  }

  /** Wants one more page of older messages; returns its numbers. */
  older(): SeqRange[] {
    const isAll = this.#pages.value.from === 1;
    return isAll ? [] : this.#move((pages) => cutNewer(want(pages, pages.from - PAGE, pages.to), WIDEST));
  }

  /** Wants one more page of newer messages; returns its numbers. */
  newer(): SeqRange[] {
    const isAll = reachesEnd(this.#pages.value);
    return isAll ? [] : this.#move((pages) => cutOlder(want(pages, pages.from, pages.to + PAGE), WIDEST));
  }

  /** Wants a message and those around it, unless it is wanted already; returns the numbers that are wanted now. */
  around(seq: number): SeqRange[] {
    return this.#move((pages) => {
      const isWanted = pages.from <= seq && seq <= newestWanted(pages);
      return isWanted ? pages : want(pages, Math.min(seq - PAGE / 2, pages.lastSeq - PAGE + 1), seq + PAGE);
    });
  }

  /** Lets go of what arrivals have made too much, far from the message that is being read; null stands for the end. */
  shrink(reading: number | null): void {
    const pages = this.#pages.value;
    if (countShown(pages) <= OVERGROWN) return;
    this.#pages.value =
      reading === null
        ? cutOlder(pages, WIDEST)
        : want(pages, Math.max(pages.from, reading - WIDEST / 2), Math.min(pages.to, reading + WIDEST / 2));
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
    this.#pages.value = withoutOthers(merge(this.#pages.value, rows, 0, isOutdated));
    const current = subtractRanges(toRanges(rows.map(({ seq }) => seq)), this.#outdatedSince);
    this.#outdated = subtractRanges(this.#outdated, current);
    return claimed;
  }

  /** The numbers that are held, and those that nobody wants; ascending and disjoint. */
  ranges(): SeqRange[] {
    const { rows, lastSeq } = this.#pages.value;
    const held = subtractRanges(toRanges(rows.map(({ seq }) => seq)), this.#outdated);
    const unwanted = subtractRanges([{ from: 1, to: lastSeq }], wanted(this.#pages.value));
    return mergeRanges(unwanted, held);
  }

  /** Shows how the conversation stands. */
  show({ expected = 0, isFetching }: SyncStatus): void {
    batch(() => {
      if (expected > this.#pages.value.lastSeq) this.#pages.value = merge(this.#pages.value, [], expected);
      this.#isFetching.value = isFetching;
    });
  }

  #move(change: (pages: Pages) => Pages): SeqRange[] {
    const before = this.#pages.value;
    this.#pages.value = change(before);
    return subtractRanges(wanted(this.#pages.value), wanted(before));
  }
}
