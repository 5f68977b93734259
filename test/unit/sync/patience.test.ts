import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Liveness } from '../../../src/sync/leadership.ts';
import { Patience } from '../../../src/sync/patience.ts';

const MINUTE = 60_000;

describe('patience with instances', () => {
  it('ends after a minute out of sight without a deed, and begins anew with any sign of life', () => {
    const look = fc.record({
      pause: fc.integer({ min: 0, max: 40_000 }),
      liveness: fc.constantFrom<Liveness[]>('unknown', 'unknown', 'unknown', 'alive', 'dead'),
      hasActed: fc.boolean(),
      who: fc.constantFrom('a', 'b'),
    });
    fc.assert(
      fc.property(fc.array(look, { maxLength: 30 }), (looks) => {
        let now = 0;
        let state: Liveness = 'unknown';
        const patience = new Patience({ liveness: () => state, now: () => now });
        const deeds = { a: 0, b: 0 };
        /** When it was first seen as it is now: out of sight, with these deeds. */
        const since: { a: number | undefined; b: number | undefined } = { a: undefined, b: undefined };
        for (const { pause, liveness, hasActed, who } of looks) {
          now += pause;
          state = liveness;
          if (hasActed) deeds[who]++;
          if (hasActed || liveness !== 'unknown') since[who] = undefined;
          if (liveness === 'unknown') since[who] ??= now;
          const isOverdue = now - (since[who] ?? now) > MINUTE;
          assert.equal(patience.isGone(who, deeds[who]), liveness === 'dead' || (liveness === 'unknown' && isOverdue));
        }
      }),
    );
  });
});
