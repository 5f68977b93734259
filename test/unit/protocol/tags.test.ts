import assert from 'node:assert/strict';
import fc from 'fast-check';
import * as v from 'valibot';
import { MAX_TAGS, Tags, tagKey } from '../../../src/protocol/model.ts';

const tag = fc
  .string({ unit: fc.constantFrom('a', 'A', 'é', 'e\u0301', 'É', 'ß', 'İ', ' ', '\ud800'), minLength: 1, maxLength: 3 })
  .filter((text) => text.trim() !== '');
const lists = fc.array(tag, { maxLength: MAX_TAGS });

describe('tags', () => {
  it('are all kept as they were first written, each once, in whatever case and spelling', () => {
    const single = (one: string) => v.parse(Tags, [one])[0] ?? '';
    fc.assert(
      fc.property(lists, (wanted) => {
        const stored = v.parse(Tags, wanted);
        const all = wanted.map(single);
        assert.deepEqual(stored.map(tagKey), [...new Set(all.map(tagKey))]);
        for (const one of stored)
          assert.equal(
            one,
            all.find((other) => tagKey(other) === tagKey(one)),
          );
      }),
    );
  });

  it('stay as they are when they are stored once more', () => {
    fc.assert(
      fc.property(lists, (wanted) => {
        const stored = v.parse(Tags, wanted);
        assert.deepEqual(v.parse(Tags, stored), stored);
      }),
    );
  });
});
