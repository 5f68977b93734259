import assert from 'node:assert/strict';
import fc from 'fast-check';
import { countViewers, sameViewers } from '../../../src/sync/presence.ts';

describe('presence', () => {
  const seen = fc.array(fc.constantFrom<string[]>('a', 'b', 'B', 'c'), { maxLength: 12 });
  const disordered = seen.chain((all) =>
    fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length })),
  );

  it('counts every window once, in whatever order they tell', () => {
    fc.assert(
      fc.property(disordered, ([all, shuffled]) => {
        const viewers = countViewers(all);
        assert.deepEqual(countViewers(shuffled), viewers);
        assert.deepEqual(
          viewers.flatMap(({ conversationId, windows }) => Array(windows).fill(conversationId)),
          all.toSorted(),
        );
      }),
    );
  });

  it('is another one exactly when a window came, went, or turned to another conversation', () => {
    fc.assert(
      fc.property(disordered, fc.nat(), fc.constantFrom('a', 'd', null), ([all, shuffled], at, instead) => {
        const changed = shuffled.toSpliced(at % (all.length + 1), 1, ...(instead === null ? [] : [instead]));
        const isSame = all.toSorted().join() === changed.toSorted().join();
        assert.equal(sameViewers(countViewers(all), countViewers(changed)), isSame);
      }),
    );
  });
});
