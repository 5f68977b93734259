import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Backlog, type WaitingFile } from '../../../src/ingest/backlog.ts';

describe('files that wait to be read', () => {
  it('come each once, as they are now, the newest first, and nothing that was asked for them is forgotten', () => {
    const file: fc.Arbitrary<WaitingFile> = fc.record({
      path: fc.constantFrom('/a', '/b', '/c', '/d'),
      source: fc.constant('codex'),
      device: fc.constant('1'),
      inode: fc.constant('2'),
      size: fc.nat(),
      modifiedAt: fc.nat({ max: 5 }),
      takeAll: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(file), fc.array(file, { maxLength: 2 }), (added, putBack) => {
        const backlog = new Backlog();
        for (const one of added) backlog.add(one);
        const sizes = new Map(added.map(({ path, size }) => [path, size]));
        for (const one of putBack) {
          backlog.putBack(one);
          sizes.set(one.path, sizes.get(one.path) ?? one.size);
        }
        const taken: WaitingFile[] = [];
        for (let next = backlog.takeNewest(); next; next = backlog.takeNewest()) taken.push(next);
        assert.deepEqual(new Map(taken.map(({ path, size }) => [path, size])), sizes);
        assert.equal(taken.length, sizes.size);
        const times = taken.map(({ modifiedAt }) => modifiedAt);
        assert.deepEqual(
          times,
          times.toSorted((a, b) => b - a),
        );
        for (const { path, takeAll } of added) {
          if (takeAll) assert.ok(taken.some((one) => one.path === path && one.takeAll));
        }
      }),
    );
  });
});
