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

/** Whether the row held under a number may be out of date. */
export type IsOutdated = (seq: number) => boolean;

const none: IsOutdated = () => false;

/**
 * Takes in rows in any order, any number of times: an outdated row gives way to any other, of the rest the highest
 * revision of a message wins, and its number stays with the message that has it. `lastSeq` only rises.
 * Returns `pages` itself when nothing changed.
 */
export function merge(pages: Pages, incoming: readonly Message[], lastSeq = 0, isOutdated = none): Pages {
  const bySeq = new Map(pages.rows.map((row) => [row.seq, row]));
  let newest = Math.max(pages.lastSeq, lastSeq);
  let changed = newest > pages.lastSeq;
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

/** Whether a held row gives way to another one of its number. */
function gives(held: Message, row: Message, isOutdated: IsOutdated): boolean {
  const isSame = held.id === row.id;
  if (isOutdated(row.seq)) return !isSame || held.revision !== row.revision;
  return isSame && held.revision < row.revision;
}

/** A number that belongs to one message here, and to another one among the incoming, if there is any. */
export function claimedTwice(pages: Pages, incoming: readonly Message[], isOutdated = none): number | undefined {
  const ids = new Map(pages.rows.map(({ seq, id }) => [seq, id]));
  return incoming.find(({ seq, id }) => (ids.get(seq) ?? id) !== id && !isOutdated(seq))?.seq;
}

/** Wants everything from `from` on; never narrows. */
export function widen(pages: Pages, from: number): Pages {
  const wanted = Math.max(1, Math.min(pages.from, from));
  return wanted === pages.from ? pages : { ...pages, from: wanted };
}

/** The stretches that are wanted but not held, ascending. */
export function gaps(pages: Pages): SeqRange[] {
  return missingRanges(toRanges(pages.rows.map(({ seq }) => seq)), { from: pages.from, to: pages.lastSeq });
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
