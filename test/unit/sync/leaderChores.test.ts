import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { LeaderRecord } from '../../../src/store/leader.ts';
import { LeaderChores } from '../../../src/sync/leaderChores.ts';
import { VirtualClock } from '../../support/clock.ts';

const HOUR = 3_600_000;
const first: LeaderRecord = { instanceId: 'own', epoch: 1 };
const second: LeaderRecord = { instanceId: 'own', epoch: 5 };

describe('chores of the leader', () => {
  function setUp(tidy: () => Promise<void> = async () => undefined) {
    const clock = new VirtualClock();
    const tidied: [hours: number, epoch: number][] = [];
    const failures: unknown[] = [];
    const chores = new LeaderChores({
      clock,
      tidy: (leader) => {
        tidied.push([clock.now() / HOUR, leader.epoch]);
        return tidy();
      },
      failed: (error) => failures.push(error),
    });
    return { clock, chores, tidied, failures };
  }

  it('are done soon after it was elected, then every hour', async () => {
    const { clock, chores, tidied } = setUp();
    chores.serve(first);
    await clock.pass(3 * HOUR);
    assert.deepEqual(tidied, [
      [0.1, 1],
      [1.1, 1],
      [2.1, 1],
    ]);
  });

  it('go on after one has failed, which is told', async () => {
    const { clock, chores, tidied, failures } = setUp(() => Promise.reject(new Error('disk full')));
    chores.serve(first);
    await clock.pass(2 * HOUR);
    assert.equal(tidied.length, 2);
    assert.deepEqual(failures.map(String), ['Error: disk full', 'Error: disk full']);
  });

  it('are not begun when the leadership is over before', async () => {
    const { clock, chores, tidied } = setUp();
    chores.serve(first);
    chores.serve(undefined);
    await clock.pass(HOUR);
    assert.deepEqual([tidied, clock.pending], [[], 0]);
  });

  it('end with the leadership, also in the middle of one', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const { clock, chores, tidied } = setUp(() => promise);
    chores.serve(first);
    await clock.pass(HOUR);
    chores.serve(undefined);
    resolve();
    await clock.pass(3 * HOUR);
    assert.deepEqual([tidied.length, clock.pending], [1, 0]);
  });

  it('begin anew under the next leadership, and are not done twice', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const { clock, chores, tidied } = setUp(() => promise);
    chores.serve(first);
    await clock.pass(HOUR);
    chores.serve(second);
    resolve();
    await clock.pass(2 * HOUR);
    assert.deepEqual(tidied, [
      [0.1, 1],
      [1.1, 5],
      [2.1, 5],
    ]);
    assert.equal(clock.pending, 1);
  });
});
