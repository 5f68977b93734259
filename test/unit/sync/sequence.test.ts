import assert from 'node:assert/strict';
import fc from 'fast-check';
import { missingRanges, type SeqRange, toRanges } from '../../../src/sync/sequence.ts';

const seqs = fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 40 });
const wanted = fc.tuple(fc.integer({ min: 1, max: 45 }), fc.integer({ min: 0, max: 45 }));
const numbersIn = (ranges: SeqRange[]) =>
  ranges.flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, index) => from + index));

/** Ascending, at least one number each, and a gap between any two: then there is no shorter way to say it. */
function assertFewest(ranges: SeqRange[]): void {
  for (const [index, { from, to }] of ranges.entries()) {
    assert.ok(from <= to);
    assert.ok(index === 0 || from > (ranges[index - 1]?.to ?? 0) + 1);
  }
}

describe('ranges of sequence numbers', () => {
  it('hold exactly the given numbers in as few ranges as there can be', () => {
    fc.assert(
      fc.property(seqs, (numbers) => {
        const ranges = toRanges(numbers);
        assert.deepEqual(
          numbersIn(ranges),
          [...new Set(numbers)].sort((a, b) => a - b),
        );
        assertFewest(ranges);
      }),
      { numRuns: 1000 },
    );
  });

  it('miss exactly the wanted numbers that they do not hold', () => {
    fc.assert(
      fc.property(seqs, wanted, (numbers, [from, to]) => {
        const missing = missingRanges(toRanges(numbers), { from, to });
        const held = new Set(numbers);
        const expected = to < from ? [] : numbersIn([{ from, to }]).filter((seq) => !held.has(seq));
        assert.deepEqual(numbersIn(missing), expected);
        assertFewest(missing);
      }),
      { numRuns: 1000 },
    );
  });

  it('miss nothing more once the missing ones are there', () => {
    fc.assert(
      fc.property(seqs, wanted, (numbers, [from, to]) => {
        const repaired = toRanges([...numbers, ...numbersIn(missingRanges(toRanges(numbers), { from, to }))]);
        assert.deepEqual(missingRanges(repaired, { from, to }), []);
      }),
      { numRuns: 500 },
    );
  });

  it('are cheap to find in a long history', () => {
    const wide = { from: 1, to: Number.MAX_SAFE_INTEGER - 1 };
    assert.deepEqual(missingRanges([{ from: 10, to: 1e15 }], wide), [
      { from: 1, to: 9 },
      { from: 1e15 + 1, to: wide.to },
    ]);
  });
});
