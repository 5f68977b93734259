import assert from 'node:assert/strict';
import { mock } from 'node:test';
import { systemClock } from '../../../src/sync/clock.ts';

const DAY = 86_400_000;

describe('clock of the machine', () => {
  it('goes on evenly when somebody sets it, and tells the time that was set', () => {
    const [now, wallTime] = [systemClock.now(), systemClock.wallTime()];
    const setBack = mock.method(Date, 'now', () => wallTime - DAY);
    try {
      assert.ok(systemClock.now() >= now);
      assert.equal(systemClock.wallTime(), wallTime - DAY);
      setBack.mock.mockImplementation(() => wallTime + DAY);
      assert.ok(systemClock.now() < now + DAY);
    } finally {
      setBack.mock.restore();
    }
  });
});
