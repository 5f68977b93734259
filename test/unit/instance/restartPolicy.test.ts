import assert from 'node:assert/strict';
import fc from 'fast-check';
import { restartDelay } from '../../../src/instance/client/restartPolicy.ts';

const MINUTES_3 = 3 * 60_000;
const crashes = fc
  .array(fc.integer({ min: 0, max: 100_000 }), { minLength: 1, maxLength: 12 })
  .map((pauses) => pauses.map((_, index) => pauses.slice(0, index + 1).reduce((sum, pause) => sum + pause, 0)));

describe('restart of the instance', () => {
  it('is given up exactly when the fifth crash comes within three minutes, and is else a matter of seconds', () => {
    fc.assert(
      fc.property(crashes, (times) => {
        const delay = restartDelay(times);
        const fifth = times.at(-5);
        assert.equal(delay === undefined, fifth !== undefined && (times.at(-1) ?? 0) - fifth <= MINUTES_3);
        assert.ok((delay ?? 0) >= 0 && (delay ?? 0) <= 2000);
      }),
    );
  });

  it('depends neither on when the clock began nor on crashes of long ago', () => {
    fc.assert(
      fc.property(crashes, fc.array(fc.nat(), { maxLength: 5 }), fc.nat(), (times, before, shift) => {
        const later = times.map((time) => time + 2 ** 31 + MINUTES_3 + shift + 1);
        assert.equal(restartDelay([...before.toSorted((a, b) => a - b), ...later]), restartDelay(times));
      }),
    );
  });

  it('is tried the later the more crashes there were', () => {
    const delays = [1, 2, 3, 4].map((count) => restartDelay(Array(count).fill(7)));
    assert.deepEqual(delays, [0, 250, 500, 1000]);
  });
});
