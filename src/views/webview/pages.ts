import type { Message } from '../../protocol/model.ts';
import { countSeqs, type SeqRange, subtractRanges, toRanges } from '../../sync/sequence.ts';

/** The stretch of one conversation that the panel holds; every operation returns a new value. */
export interface Pages {
  /** Ascending by `seq`, one row per number, tombstones included. */
  readonly rows: readonly Message[];
  /** Oldest number the reader wants; everything from here to `to` is shown or fetched. */
  readonly from: number;
  /** Newest number the reader wants; infinite when that is whatever comes. */
  readonly to: number;
  /** Newest number known to exist; 0 for an empty conversation. */
  readonly lastSeq: number;
}

/** What is wanted before a conversation is opened. */
export const nothingWanted = { from: Number.POSITIVE_INFINITY, to: Number.POSITIVE_INFINITY };

/** Holds nothing and wants nothing. */
export const emptyPages: Pages = { rows: [], ...nothingWanted, lastSeq: 0 };

/** Whether the row held under a number may be out of date. */
export type IsOutdated = (seq: number) => boolean;

const none: IsOutdated = () => false;

/**
 * Takes in rows in any order, any number of times: an outdated row gives way to any other, of the rest the highest
 * revision of a message wins, and its number stays with the message that has it. `lastSeq` only rises.
 * Returns `pages` itself when nothing changed.
 */
export function merge(pages: Pages, incoming: readonly Message[], lastSeq = 0, isOutdated = none): Pages {
  const rows = withoutMoved(pages.rows, incoming);
  const bySeq = new Map(rows.map((row) => [row.seq, row]));
  let newest = Math.max(pages.lastSeq, lastSeq);
  let changed = newest > pages.lastSeq || rows.length < pages.rows.length;
  for (const row of incoming) {
    const held = bySeq.get(row.seq);
    if (held && !gives(held, row, isOutdated)) continue;
    bySeq.set(row.seq, row);
    newest = Math.max(newest, row.seq);
    changed = true;
  }
  if (!changed) return pages;
  return { ...pages, rows: [...bySeq.values()].sort((a, b) => a.seq - b.seq), lastSeq: newest };
}

/** The rows but for those of messages that come under other numbers, because the hub has given them theirs. */
function withoutMoved(rows: readonly Message[], incoming: readonly Message[]): readonly Message[] {
  const byId = new Map(incoming.map((row) => [row.id, row]));
  return rows.filter((held) => {
    const row = byId.get(held.id);
    return row === undefined || row.seq === held.seq || row.revision < held.revision;
  });
}

/** Whether a held row gives way to another one of its number. That the hub has confirmed the number is no revision. */
function gives(held: Message, row: Message, isOutdated: IsOutdated): boolean {
  const isSame = held.id === row.id;
  if (isSame && held.revision === row.revision) return held.isPending === true && !row.isPending;
  return isOutdated(row.seq) || (isSame && held.revision < row.revision);
}

/** A number that belongs to one message here, and to another one among the incoming, if there is any. */
export function claimedTwice(pages: Pages, incoming: readonly Message[], isOutdated = none): number | undefined {
  const ids = new Map(withoutMoved(pages.rows, incoming).map(({ seq, id }) => [seq, id]));
  return incoming.find(({ seq, id }) => (ids.get(seq) ?? id) !== id && !isOutdated(seq))?.seq;
}

/** Wants the numbers from `from` to `to`, and no others; rows outside are dropped. */
export function want(pages: Pages, from: number, to: number): Pages {
  const oldest = Math.max(1, from);
  // Who wants the newest number wants those that follow, too.
  const newest = to >= pages.lastSeq ? Number.POSITIVE_INFINITY : to;
  if (oldest === pages.from && newest === pages.to) return pages;
  return withoutOthers({ ...pages, from: oldest, to: newest });
}

/** Drops the rows that nobody wants; before anything is wanted, all stay. */
export function withoutOthers(pages: Pages): Pages {
  const { rows, from, to } = pages;
  if (!Number.isFinite(from) || rows.every(({ seq }) => from <= seq && seq <= to)) return pages;
  return { ...pages, rows: rows.filter(({ seq }) => from <= seq && seq <= to) };
}

/** Wants at most `most` messages, the oldest of those that are wanted now. Deleted ones do not count. */
export function cutNewer(pages: Pages, most: number): Pages {
  const isShown = shownOf(pages);
  const end = newestWanted(pages);
  let count = 0;
  for (let seq = pages.from; seq <= end; seq++) {
    if (isShown(seq)) count++;
    if (count > most) return want(pages, pages.from, seq - 1);
  }
  return pages;
}

/** Wants at most `most` messages, the newest of those that are wanted now. Deleted ones do not count. */
export function cutOlder(pages: Pages, most: number): Pages {
  const isShown = shownOf(pages);
  let count = 0;
  for (let seq = newestWanted(pages); seq >= pages.from; seq--) {
    if (isShown(seq)) count++;
    if (count > most) return want(pages, seq + 1, pages.to);
  }
  return pages;
}

/** Whether a number stands for something on the screen: a message or its place. */
function shownOf({ rows }: Pages): (seq: number) => boolean {
  const deleted = new Set(rows.filter(({ deletedAt }) => deletedAt !== null).map(({ seq }) => seq));
  return (seq) => !deleted.has(seq);
}

/** Whether the newest message is among those that are wanted. */
export function reachesEnd({ to, lastSeq }: Pages): boolean {
  return to >= lastSeq;
}

/** The newest number that is wanted and known to exist. */
export function newestWanted({ to, lastSeq }: Pages): number {
  return Math.min(to, lastSeq);
}

/** The numbers that are wanted. */
export function wanted(pages: Pages): SeqRange[] {
  const [from, to] = [pages.from, newestWanted(pages)];
  return from <= to ? [{ from, to }] : [];
}

/** How many messages are wanted, held or not; deleted ones do not count. */
export function countShown(pages: Pages): number {
  return countSeqs(wanted(pages)) - pages.rows.filter(({ deletedAt }) => deletedAt !== null).length;
}

/** The stretches that are wanted but not held, ascending. */
export function gaps(pages: Pages): SeqRange[] {
  return subtractRanges(wanted(pages), toRanges(pages.rows.map(({ seq }) => seq)));
}

/** What a reader sees, ascending: messages that were not deleted, and a range for each stretch that is missing. */
export function items(pages: Pages): (Message | SeqRange)[] {
  const { rows, from, to } = pages;
  const visible = rows.filter((row) => from <= row.seq && row.seq <= to && row.deletedAt === null);
  const missing = gaps(pages);
  if (missing.length === 0) return visible;
  return [...visible, ...missing].sort((a, b) => position(a) - position(b));
}

function position(item: Message | SeqRange): number {
  return 'seq' in item ? item.seq : item.from;
}
