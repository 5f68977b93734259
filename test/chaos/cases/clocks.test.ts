import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { Random } from '../../support/random.ts';
import { WindowClock } from '../faults/windowClock.ts';
import { Fleet } from '../fleet/fleet.ts';
import { chatter, type Topics } from '../fleet/traffic.ts';
import { plan, report, size } from '../plan.ts';

const DAY = 24 * 3_600_000;

/** How long a window may answer nobody and still counts as living, in ms. */
const NAP = 1500;

describe('clocks that jump', () => {
  it('by a day and back neither disturb the order nor prune what a living window has not read', async () => {
    const random = new Random(plan.seed, 'clocks');
    const fleet = new Fleet();
    const clocks = ['one', 'two', 'three'].map((name) => new WindowClock(fleet.directory, name));
    const windows = await Promise.all(clocks.map((clock) => fleet.start(clock.environment)));
    const topics: Topics = { conversations: [], messages: [] };
    let isOver = false;
    const talks = windows.map((window) => chatter(window, topics, random, () => isOver));
    for (let jump = 0; jump < size(10, 200); jump++) {
      const index = random.whole(0, windows.length - 1);
      clocks[index]?.shift(random.pick([-DAY, 0, DAY]), windows.slice(index, index + 1));
      await delay(random.whole(100, 500));
    }
    let days = 2;
    const setForward = () => {
      days += 2;
      for (const [index, clock] of clocks.entries()) clock.shift(days * DAY, windows.slice(index, index + 1));
    };
    setForward();
    await fleet.pruned();
    for (let nap = 0; nap < size(3, 50); nap++) {
      const { child } = random.pick(windows);
      child.kill('SIGSTOP');
      await delay(NAP / 2);
      // What it has not read yet is now old.
      setForward();
      await delay(NAP / 2);
      child.kill('SIGCONT');
      await delay(NAP);
    }
    isOver = true;
    await Promise.all(talks);
    assert.deepEqual(
      windows.map(({ reloads }) => reloads),
      [0, 0, 0],
    );
    const { prunedThrough, head, messages } = await fleet.conclude();
    report(`${messages.length} messages, ${prunedThrough} of ${head} changes pruned`);
  });
});
