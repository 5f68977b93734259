import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import type { LeaderRecord } from '../../../src/store/leader.ts';
import { Leadership, type Liveness } from '../../../src/sync/leadership.ts';

/** A record that instances share, as the database is; taking over is atomic, as its transaction is. */
class SharedRecord {
  leader: LeaderRecord = { instanceId: '', epoch: 0 };
  readonly history: LeaderRecord[] = [];

  async takeOver(instanceId: string, seen: number): Promise<number | undefined> {
    await undefined;
    if (this.leader.epoch !== seen) return undefined;
    this.leader = { instanceId, epoch: seen + 1 };
    this.history.push(this.leader);
    return seen + 1;
  }
}

interface World {
  record: SharedRecord;
  now: number;
  liveness: (instanceId: string) => Liveness;
}

interface Candidate {
  leadership: Leadership;
  /** Its own epochs, and undefined for each leader that was another one. */
  changes: (number | undefined)[];
}

function candidate(world: World, self: string, mayLead = true): Candidate {
  const changes: (number | undefined)[] = [];
  const leadership: Leadership = new Leadership({
    self,
    mayLead,
    read: () => world.record.leader,
    takeOver: (seen) => world.record.takeOver(self, seen),
    liveness: (instanceId) => world.liveness(instanceId),
    now: () => world.now,
    changed: () => changes.push(leadership.current?.epoch),
    failed: (error) => assert.fail(String(error)),
    log: () => undefined,
  });
  return { leadership, changes };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

describe('leadership', () => {
  it('is taken where there is none, and from the dead, but not from the living', async () => {
    const world: World = { record: new SharedRecord(), now: 0, liveness: () => 'alive' };
    const a = candidate(world, 'a');
    const b = candidate(world, 'b');
    a.leadership.check();
    await settle();
    b.leadership.check();
    await settle();
    assert.deepEqual(world.record.leader, { instanceId: 'a', epoch: 1 });
    world.liveness = () => 'dead';
    b.leadership.check();
    await settle();
    assert.deepEqual(world.record.leader, { instanceId: 'b', epoch: 2 });
    a.leadership.check();
    await settle();
    assert.deepEqual(a.changes, [1, undefined, 3]);
  });

  it('tells of every leader that is another one, also to those who may not lead', async () => {
    const world: World = { record: new SharedRecord(), now: 0, liveness: () => 'dead' };
    const { leadership, changes } = candidate(world, 'onlooker', false);
    for (const instanceId of ['', 'a', 'a', 'b', 'a']) {
      if (instanceId !== '') world.record.leader = { instanceId, epoch: world.record.leader.epoch + 1 };
      leadership.check();
      leadership.check();
      await settle();
    }
    assert.deepEqual([changes.length, leadership.current], [4, undefined]);
    assert.deepEqual(world.record.leader, { instanceId: 'a', epoch: 4 });
  });

  it('waits a minute for a leader that is only out of sight', async () => {
    const world: World = { record: new SharedRecord(), now: 0, liveness: () => 'unknown' };
    world.record.leader = { instanceId: 'elsewhere', epoch: 7 };
    const { leadership } = candidate(world, 'a');
    for (const now of [0, 59_000, 60_000]) {
      world.now = now;
      leadership.check();
      await settle();
      assert.equal(world.record.leader.epoch, 7);
    }
    world.now = 60_001;
    leadership.check();
    await settle();
    assert.deepEqual(world.record.leader, { instanceId: 'a', epoch: 8 });
  });

  it('has one holder per epoch and rising epochs, whatever each believes of the others', async () => {
    const names = ['a', 'b', 'c'];
    const step = fc.record({
      who: fc.nat({ max: names.length - 1 }),
      belief: fc.constantFrom<Liveness>('alive', 'dead', 'unknown'),
      later: fc.nat({ max: 90_000 }),
      wait: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const world: World = { record: new SharedRecord(), now: 0, liveness: () => 'alive' };
        const candidates = names.map((name) => candidate(world, name));
        for (const { who, belief, later, wait } of steps) {
          world.now += later;
          world.liveness = () => belief;
          candidates[who]?.leadership.check();
          if (wait) await settle();
        }
        await settle();
        const epochs = world.record.history.map(({ epoch }) => epoch);
        assert.deepEqual(
          epochs,
          epochs.map((_, index) => index + 1),
        );
        for (const { changes } of candidates) {
          const own = changes.filter((epoch) => epoch !== undefined);
          assert.deepEqual(
            own,
            own.toSorted((x, y) => x - y),
          );
        }
        const held = candidates.flatMap(({ changes }) => changes.filter((epoch) => epoch !== undefined));
        assert.equal(new Set(held).size, held.length);
      }),
    );
  });
});
