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

/**
 * What a replica that holds `have` lacks of `wanted`, ascending.
 * `have` must be ascending and disjoint, as {@link toRanges} returns it. O(number of ranges).
 */
export function missingRanges(have: readonly SeqRange[], wanted: SeqRange): SeqRange[] {
  const missing: SeqRange[] = [];
  let next = wanted.from;
  for (const { from, to } of have) {
    if (to < next) continue;
    if (from > wanted.to) break;
    if (from > next) missing.push({ from: next, to: from - 1 });
    next = to + 1;
  }
  if (next <= wanted.to) missing.push({ from: next, to: wanted.to });
  return missing;
}
