import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  addSeq,
  countSeqs,
  mergeRanges,
  missingRanges,
  type SeqRange,
  subtractRanges,
  toRanges,
  type Validity,
  validate,
} from '../../../src/sync/sequence.ts';

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
    );
  });

  it('miss nothing more once the missing ones are there', () => {
    fc.assert(
      fc.property(seqs, wanted, (numbers, [from, to]) => {
        const repaired = toRanges([...numbers, ...numbersIn(missingRanges(toRanges(numbers), { from, to }))]);
        assert.deepEqual(missingRanges(repaired, { from, to }), []);
      }),
    );
  });

  it('are cheap to find in a long history', () => {
    const wide = { from: 1, to: Number.MAX_SAFE_INTEGER - 1 };
    assert.deepEqual(missingRanges([{ from: 10, to: 1e15 }], wide), [
      { from: 1, to: 9 },
      { from: 1e15 + 1, to: wide.to },
    ]);
  });

  it('merge to exactly the numbers of both', () => {
    fc.assert(
      fc.property(seqs, seqs, (a, b) => {
        const merged = mergeRanges(toRanges(a), toRanges(b));
        assert.deepEqual(merged, toRanges([...a, ...b]));
        assert.equal(countSeqs(merged), new Set([...a, ...b]).size);
      }),
    );
  });

  it('take in one more number wherever it belongs', () => {
    fc.assert(
      fc.property(seqs, fc.integer({ min: 1, max: 42 }), (numbers, seq) => {
        assert.deepEqual(addSeq(toRanges(numbers), seq), toRanges([...numbers, seq]));
      }),
    );
  });

  it('leave what others do not hold', () => {
    fc.assert(
      fc.property(seqs, seqs, (wanted, have) => {
        const held = new Set(have);
        assert.deepEqual(
          subtractRanges(toRanges(wanted), toRanges(have)),
          toRanges(wanted.filter((seq) => !held.has(seq))),
        );
      }),
    );
  });

  it('stay as they were when others are made of them', () => {
    const ranges = [{ from: 1, to: 2 }];
    mergeRanges(ranges, [{ from: 3, to: 9 }]);
    assert.deepEqual(ranges, [{ from: 1, to: 2 }]);
  });
});

describe('validation of a replica', () => {
  const cases: [title: string, have: number[], expected: number | undefined, Validity][] = [
    ['says nothing while the newest number is unknown', [1, 2], undefined, 'backend_seq_unknown'],
    ['passes when every number is held', [1, 2, 3], 3, 'validated'],
    ['finds that there is nothing to hold', [], 0, 'no_messages'],
    ['finds a gap when nothing is held', [], 3, 'gap_detected'],
    ['finds a gap at the start', [2, 3], 3, 'gap_detected'],
    ['finds a gap inside', [1, 3], 3, 'gap_detected'],
    ['finds a gap at the end', [1, 2], 3, 'gap_detected'],
    ['finds what is newer than the upstream', [1, 2, 3, 4], 3, 'sequence_mismatch'],
    ['finds what is newer than an empty upstream', [1], 0, 'sequence_mismatch'],
    ['finds what is newer before it finds a gap', [1, 5], 3, 'sequence_mismatch'],
  ];
  for (const [title, have, expected, found] of cases) {
    it(title, () => assert.equal(validate(toRanges(have), expected), found));
  }

  it('agrees with a look at every single number', () => {
    const newest = fc.option(fc.integer({ min: 0, max: 45 }), { nil: undefined });
    fc.assert(
      fc.property(
        fc.oneof(
          seqs,
          fc.nat(20).map((to) => numbersIn([{ from: 1, to }])),
        ),
        seqs,
        newest,
        (numbers, holes, expected) => {
          const present = new Set([...numbers, ...holes]);
          assert.equal(validate(mergeRanges(toRanges(numbers), toRanges(holes)), expected), judged(present, expected));
        },
      ),
    );
  });

  it('does not look at every single number', () => {
    assert.equal(validate([{ from: 1, to: 1e15 }], 1e15), 'validated');
    assert.equal(validate([{ from: 1, to: 1e15 - 1 }], 1e15), 'gap_detected');
  });
});

function judged(present: ReadonlySet<number>, expected: number | undefined): Validity {
  if (expected === undefined) return 'backend_seq_unknown';
  if ([...present].some((seq) => seq > expected)) return 'sequence_mismatch';
  if (expected === 0) return 'no_messages';
  const complete = numbersIn([{ from: 1, to: expected }]).every((seq) => present.has(seq));
  return complete ? 'validated' : 'gap_detected';
}
