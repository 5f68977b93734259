import assert from 'node:assert/strict';
import { join, sep } from 'node:path';
import fc from 'fast-check';
import { foldersHash, isInside } from '../../../src/ingest/placement.ts';

const name = fc.constantFrom('a', 'b', '..a', '...', 'a b', '.git', '-home-ada');
const way = fc.array(name, { maxLength: 4 });
const folder = way.map((names) => join(sep, 'work', ...names));

describe('place of a transcript', () => {
  it('is inside a folder when it lies below it, whatever it is called, and nowhere beside it', () => {
    fc.assert(
      fc.property(folder, way, name, (path, below, beside) => {
        assert.ok(isInside(join(path, ...below), path));
        assert.ok(isInside(path + sep, path));
        assert.equal(isInside(`${path}x`, path), false);
        assert.equal(isInside(join(path, '..', 'c', beside), path), false);
        assert.equal(isInside(join(path, '..'), path), false);
      }),
    );
  });

  it('is decided anew when there are other folders, but not when they only come in another order', () => {
    const folders = fc.uniqueArray(folder, { minLength: 1, maxLength: 5 });
    const disordered = folders.chain((all) =>
      fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length }), fc.subarray(all)),
    );
    fc.assert(
      fc.property(disordered, ([all, shuffled, some]) => {
        assert.equal(foldersHash(shuffled), foldersHash(all));
        assert.equal(foldersHash(some) === foldersHash(all), some.length === all.length);
      }),
    );
  });
});
