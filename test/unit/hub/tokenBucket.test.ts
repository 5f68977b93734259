import assert from 'node:assert/strict';
import fc from 'fast-check';
import { TokenBucket } from '../../../src/hub/tokenBucket.ts';

describe('rate of a client', () => {
  const rate = fc.integer({ min: 1, max: 200 });
  const burst = fc.integer({ min: 1, max: 50 });
  const pauses = fc.array(fc.oneof(fc.constant(0), fc.double({ min: 0, max: 2000, noNaN: true })), { maxLength: 100 });

  /** When something was taken, of attempts after these pauses. */
  function taken(bucket: TokenBucket, start: number, all: readonly number[]): number[] {
    let now = start;
    return all.flatMap((pause) => {
      now += pause;
      return bucket.take(now) ? [now] : [];
    });
  }

  it('is never above its bound in any stretch of time, beside the burst', () => {
    fc.assert(
      fc.property(rate, burst, pauses, fc.nat(), (perSecond, atOnce, all, start) => {
        const times = taken(new TokenBucket(perSecond, atOnce, start), start, all);
        for (const [first, from] of times.entries()) {
          for (const [last, to] of times.entries()) {
            if (last >= first) assert.ok(last - first + 1 <= atOnce + ((to - from) * perSecond) / 1000 + 1e-6);
          }
        }
      }),
    );
  });

  it('is granted to who keeps to it, whatever was before, and the burst after a pause', () => {
    fc.assert(
      fc.property(rate, burst, pauses, (perSecond, atOnce, all) => {
        const bucket = new TokenBucket(perSecond, atOnce, 0);
        taken(bucket, 0, all);
        const steady = Array<number>(20).fill(Math.ceil(1000 / perSecond));
        const start = Math.ceil(all.reduce((sum, pause) => sum + pause, 0));
        assert.equal(taken(bucket, start, steady).length, steady.length);
        const pause = Math.ceil((1000 * atOnce) / perSecond);
        const later = start + steady.reduce((sum, one) => sum + one, 0) + pause;
        assert.equal(taken(bucket, later, Array(atOnce + 1).fill(0)).length, atOnce);
      }),
    );
  });
});
