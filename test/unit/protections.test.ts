import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../scripts/lib/step.mjs';
import { traps } from '../protections/traps.ts';

const read = (path: string) => readFileSync(join(root, path), 'utf8');

describe('the list of protections', () => {
  for (const { without, file, remove } of traps.flatMap(({ protections }) => protections)) {
    it(`can take out what prevents that ${without}`, () => {
      assert.equal(read(file).split(remove).length - 1, 1, `${file} holds this not exactly once: ${remove}`);
    });
  }
});
