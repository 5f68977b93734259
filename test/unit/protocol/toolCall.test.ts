import assert from 'node:assert/strict';
import fc from 'fast-check';
import { tellingInput } from '../../../src/protocol/toolCall.ts';

const word = fc.string({ unit: fc.constantFrom('a', 'b', ' ', '\n', '\t') });
const fields = fc.constantFrom('command', 'file_path', 'pattern', 'url', 'title', 'limit');
const calls = fc.dictionary(fields, fc.oneof(word, fc.integer(), fc.constant(null)), { noNullPrototype: true });

describe('what a tool was called with', () => {
  it('is told on one line, whatever it is', () => {
    assert.equal(tellingInput({ timeout: 10, command: 'cat\n  notes.md' }), 'cat notes.md');
    assert.deepEqual([tellingInput({}), tellingInput('ls'), tellingInput({ limit: 3 })], ['', 'ls', '{"limit":3}']);
    fc.assert(
      fc.property(fc.oneof(calls, fc.jsonValue()), (input) => {
        const told = tellingInput(input);
        assert.equal(told, told.replace(/\s+/gu, ' ').trim());
      }),
    );
  });

  it('is told the same in whatever order its fields come, unless none of them says much', () => {
    const reordered = calls.chain((input) => {
      const all = Object.entries(input);
      return fc.tuple(fc.constant(input), fc.shuffledSubarray(all, { minLength: all.length }));
    });
    fc.assert(
      fc.property(reordered, ([input, entries]) => {
        const says = Object.entries(input).some(
          ([name, value]) => name !== 'limit' && String(value ?? '').trim() !== '',
        );
        if (says) assert.notEqual(tellingInput(input), '');
        const told = tellingInput(Object.fromEntries(entries));
        if (!told.startsWith('{')) assert.equal(told, tellingInput(input));
      }),
    );
  });
});
