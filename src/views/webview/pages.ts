import type { Message } from '../../protocol/model.ts';
import { missingRanges, type SeqRange, toRanges } from '../../sync/sequence.ts';

/** The stretch of one conversation that the panel holds; every operation returns a new value. */
export interface Pages {
  /** Ascending by `seq`, one row per number, tombstones included. */
  readonly rows: readonly Message[];
  /** Oldest number the reader wants; everything from here to `lastSeq` is shown or fetched. */
  readonly from: number;
  /** Newest number known to exist; 0 for an empty conversation. */
  readonly lastSeq: number;
}

/** Holds nothing and wants nothing. */
export const emptyPages: Pages = { rows: [], from: Number.POSITIVE_INFINITY, lastSeq: 0 };

/**
 * Takes in rows in any order, any number of times: per number the highest revision wins and `lastSeq` only rises.
 * Returns `pages` itself when nothing changed.
 */
export function merge(pages: Pages, incoming: readonly Message[], lastSeq = 0): Pages {
  const bySeq = new Map(pages.rows.map((row) => [row.seq, row]));
  let newest = Math.max(pages.lastSeq, lastSeq);
  let changed = newest > pages.lastSeq;
  for (const row of incoming) {
    const held = bySeq.get(row.seq);
    if (held && held.revision >= row.revision) continue;
    bySeq.set(row.seq, row);
    newest = Math.max(newest, row.seq);
    changed = true;
  }
  if (!changed) return pages;
  return { ...pages, rows: [...bySeq.values()].sort((a, b) => a.seq - b.seq), lastSeq: newest };
}

/** Wants everything from `from` on; never narrows. */
export function widen(pages: Pages, from: number): Pages {
  const wanted = Math.max(1, Math.min(pages.from, from));
  return wanted === pages.from ? pages : { ...pages, from: wanted };
}

/** The stretches that are wanted but not held, ascending; the numbers in `excused` count as held. */
export function gaps(pages: Pages, excused: Iterable<number> = []): SeqRange[] {
  const held = toRanges([...pages.rows.map((row) => row.seq), ...excused]);
  return missingRanges(held, { from: pages.from, to: pages.lastSeq });
}

/** What a reader sees, ascending: messages that were not deleted, and a range for each stretch that is missing. */
export function items(pages: Pages): (Message | SeqRange)[] {
  const visible = pages.rows.filter((row) => row.seq >= pages.from && row.deletedAt === null);
  const missing = gaps(pages);
  if (missing.length === 0) return visible;
  return [...visible, ...missing].sort((a, b) => position(a) - position(b));
}

function position(item: Message | SeqRange): number {
  return 'seq' in item ? item.seq : item.from;
}
