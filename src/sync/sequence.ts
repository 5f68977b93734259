import type { Validity } from '../protocol/rpc.ts';

/** A run of sequence numbers, both ends inclusive. */
export interface SeqRange {
  from: number;
  to: number;
}

/** The given numbers as the fewest ascending, non-touching ranges; duplicates are harmless. */
export function toRanges(seqs: Iterable<number>): SeqRange[] {
  const ranges: SeqRange[] = [];
  for (const seq of [...seqs].sort((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last && seq <= last.to + 1) last.to = Math.max(last.to, seq);
    else ranges.push({ from: seq, to: seq });
  }
  return ranges;
}

/** All numbers of both, as the fewest ranges. O(number of ranges). */
export function mergeRanges(a: readonly SeqRange[], b: readonly SeqRange[]): SeqRange[] {
  const merged: SeqRange[] = [];
  // Sorting joins two ascending runs in linear time.
  for (const { from, to } of [...a, ...b].sort((left, right) => left.from - right.from)) {
    const last = merged.at(-1);
    if (last && from <= last.to + 1) last.to = Math.max(last.to, to);
    else merged.push({ from, to });
  }
  return merged;
}

/** The ranges with one more number in them. O(number of ranges). */
export function addSeq(ranges: readonly SeqRange[], seq: number): SeqRange[] {
  return mergeRanges(ranges, [{ from: seq, to: seq }]);
}

/**
 * What is in `wanted` but not in `have`, ascending. Both must be ascending and disjoint, as {@link toRanges} returns
 * them. O(number of ranges).
 */
export function subtractRanges(wanted: readonly SeqRange[], have: readonly SeqRange[]): SeqRange[] {
  const left: SeqRange[] = [];
  let index = 0;
  for (const { from, to } of wanted) {
    let next = from;
    for (let held = have[index]; held && held.from <= to; held = have[index]) {
      if (held.from > next) left.push({ from: next, to: held.from - 1 });
      next = Math.max(next, held.to + 1);
      // A range that goes on behind this wanted one may reach into the next.
      if (held.to > to) break;
      index++;
    }
    if (next <= to) left.push({ from: next, to });
  }
  return left;
}

/**
 * What a replica that holds `have` lacks of `wanted`, ascending.
 * `have` must be ascending and disjoint, as {@link toRanges} returns it. O(number of ranges).
 */
export function missingRanges(have: readonly SeqRange[], wanted: SeqRange): SeqRange[] {
  return subtractRanges([wanted], have);
}

/** How many numbers the ranges hold. */
export function countSeqs(ranges: readonly SeqRange[]): number {
  return ranges.reduce((count, { from, to }) => count + to - from + 1, 0);
}

export type { Validity };

/**
 * Judges a replica of one conversation by the newest number of its upstream. The first that applies:
 * - `backend_seq_unknown`: `expected` is undefined, so there is nothing to judge by;
 * - `sequence_mismatch`: a number above `expected` is held, which the upstream does not know;
 * - `no_messages`: the conversation is empty there and here;
 * - `gap_detected`: a number from 1 to `expected` is not held, be it at the start, inside or at the end;
 * - `validated`: every number from 1 to `expected` is held.
 *
 * Numbers that the upstream declared permanently missing count as present when they are merged into `have`, which must
 * be ascending and disjoint. O(number of ranges).
 */
export function validate(have: readonly SeqRange[], expected: number | undefined): Validity {
  if (expected === undefined) return 'backend_seq_unknown';
  if ((have.at(-1)?.to ?? 0) > expected) return 'sequence_mismatch';
  if (expected === 0) return 'no_messages';
  return missingRanges(have, { from: 1, to: expected }).length > 0 ? 'gap_detected' : 'validated';
}
