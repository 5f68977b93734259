import assert from 'node:assert/strict';
import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import type { Change } from '../../../src/protocol/model.ts';
import { ChangeFeed, type FeedPage } from '../../../src/sync/changeFeed.ts';
import { type Clock, systemClock } from '../../../src/sync/clock.ts';

const changeOf = (id: number): Change => ({
  id,
  changeType: 'MessageAdded',
  conversationId: 'c',
  messageId: null,
  seq: null,
  newTitle: null,
  originInstanceId: 'o',
});

/** A change log in memory with a feed on it, and everything that the feed told. */
class Log {
  head = 0;
  prunedThrough = 0;
  failures = 0;
  readonly told: number[] = [];
  readonly lost: number[] = [];
  readonly errors: unknown[] = [];
  /** What happens inside the next deliveries, as other code may run there. */
  readonly duringDelivery: (() => void)[] = [];
  readonly feed: ChangeFeed;

  constructor(cursor = 0, clock: Pick<Clock, 'nextTurn'> = systemClock) {
    this.feed = new ChangeFeed(
      {
        read: (after, limit) => this.#read(after, limit),
        deliver: ({ changes }) => {
          this.told.push(...changes.map(({ id }) => id));
          this.duringDelivery.shift()?.();
        },
        lost: (head) => this.lost.push(head),
        failed: (error) => this.errors.push(error),
        clock,
      },
      cursor,
    );
  }

  /** Waits until the feed has come to rest: it takes two turns for each page of 500. */
  async settled(): Promise<void> {
    for (let turns = 0; turns < 20 + this.head / 100; turns++) await nextTurn();
  }

  #read(after: number, limit: number): FeedPage {
    if (this.failures > 0) {
      this.failures--;
      throw new Error('unreadable');
    }
    const { head } = this;
    if (after < this.prunedThrough) return { changes: [], conversations: [], messages: [], pruned: true, head };
    const length = Math.min(limit, head - after);
    const changes = Array.from({ length }, (_, index) => changeOf(after + index + 1));
    return { changes, conversations: [], messages: [], pruned: false, head };
  }
}

const countedFrom = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

describe('change feed', () => {
  it('delivers each change once and in order, whatever comes between', async () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('commit' as const), count: fc.integer({ min: 1, max: 1200 }) }),
      fc.record({ kind: fc.constantFrom('look', 'fail', 'turn', 'commitInDelivery', 'lookInDelivery') }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
        const log = new Log();
        for (const { kind, ...rest } of steps) {
          if (kind === 'commit') log.head += 'count' in rest ? rest.count : 0;
          else if (kind === 'look') log.feed.look();
          else if (kind === 'fail') log.failures++;
          else if (kind === 'turn') await nextTurn();
          else if (kind === 'commitInDelivery') log.duringDelivery.push(() => log.head++);
          else
            log.duringDelivery.push(() => {
              log.head++;
              log.feed.look();
            });
        }
        log.failures = 0;
        // Whatever is still to be committed without a look is seen by the last one.
        do {
          log.feed.look();
          await log.settled();
        } while (log.feed.cursor < log.head);
        assert.deepEqual(log.told, countedFrom(1, log.head));
        assert.deepEqual([log.feed.cursor, log.lost], [log.head, []]);
      }),
    );
  });

  it('forgets no look that comes while it delivers', async () => {
    const log = new Log();
    log.head = 1;
    log.duringDelivery.push(() => {
      log.head = 2;
      log.feed.look();
    });
    log.feed.look();
    await log.settled();
    assert.deepEqual(log.told, [1, 2]);
  });

  it('forgets no look, however looks and the pauses of a drain take turns', async () => {
    const commits = fc.array(fc.integer({ min: 1, max: 1200 }), { minLength: 1, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), commits, commits, async (scheduler, nudges, nudgesInDelivery) => {
        const log = new Log(0, { nextTurn: (action) => void scheduler.schedule(Promise.resolve()).then(action) });
        const commit = (count: number) => {
          log.head += count;
          log.feed.look();
        };
        for (const count of nudges) scheduler.schedule(Promise.resolve(count)).then(commit);
        for (const count of nudgesInDelivery) log.duringDelivery.push(() => commit(count));
        await scheduler.waitIdle();
        assert.deepEqual(log.told, countedFrom(1, log.head));
      }),
    );
  });

  it('delivers the first page before the look returns, and the rest without keeping others waiting', async () => {
    const log = new Log();
    log.head = 1234;
    log.feed.look();
    const pages = [log.told.length];
    for (let turns = 0; turns < 4; turns++) {
      await nextTurn();
      pages.push(log.told.length);
    }
    assert.equal(pages[0], 500);
    assert.ok(pages.includes(1000));
    assert.equal(pages.at(-1), 1234);
  });

  it('starts behind its cursor and does not tell what nobody looks for', async () => {
    const log = new Log(7);
    log.head = 9;
    await log.settled();
    assert.deepEqual(log.told, []);
    log.feed.look();
    assert.deepEqual(log.told, [8, 9]);
  });

  it('says that it lost its place when the log was pruned past it, and goes on from there', async () => {
    const log = new Log();
    log.head = 10;
    log.prunedThrough = 4;
    log.feed.look();
    assert.deepEqual([log.lost, log.told, log.feed.cursor], [[10], [], 10]);
    log.head = 12;
    log.feed.look();
    await log.settled();
    assert.deepEqual([log.lost, log.told], [[10], [11, 12]]);
  });

  it('reports what cannot be read and reads it at the next look', async () => {
    const log = new Log();
    log.head = 3;
    log.failures = 1;
    log.feed.look();
    await log.settled();
    assert.deepEqual([log.errors.length, log.told, log.feed.cursor], [1, [], 0]);
    log.feed.look();
    assert.deepEqual(log.told, [1, 2, 3]);
  });

  it('delivers each change or says that it lost its place, however much is pruned while it reads', async () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('commit'), count: fc.integer({ min: 1, max: 1200 }) }),
      fc.record({ kind: fc.constantFrom('look', 'turn'), count: fc.constant(0) }),
      fc.record({ kind: fc.constantFrom('prune', 'pruneInDelivery'), count: fc.nat({ max: 1500 }) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
        const log = new Log();
        const prune = (kept: number) => {
          log.prunedThrough = Math.max(log.prunedThrough, log.head - kept);
        };
        for (const { kind, count } of steps) {
          if (kind === 'commit') log.head += count;
          else if (kind === 'look') log.feed.look();
          else if (kind === 'turn') await nextTurn();
          else if (kind === 'prune') prune(count);
          else log.duringDelivery.push(() => prune(count));
        }
        log.feed.look();
        await log.settled();
        assert.equal(log.feed.cursor, log.head);
        // What was not delivered lies before a head at which everything was to be loaded again.
        assert.deepEqual(
          log.told,
          [...new Set(log.told)].sort((a, b) => a - b),
        );
        const told = new Set(log.told);
        for (const id of countedFrom(1, log.head)) if (!told.has(id)) assert.ok(id <= (log.lost.at(-1) ?? 0));
      }),
    );
  });
});
