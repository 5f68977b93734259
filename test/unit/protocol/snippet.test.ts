import assert from 'node:assert/strict';
import fc from 'fast-check';
import { MARK_END, MARK_START, plainSnippet } from '../../../src/protocol/snippet.ts';

describe('snippet of a message', () => {
  it('reads as if nothing was marked, on one line', () => {
    const text = fc.string({ unit: fc.constantFrom('a', ' ', '\n', '\t', '🙂') });
    fc.assert(
      fc.property(text, text, text, (before, match, after) => {
        const plain = plainSnippet(`${before}${MARK_START}${match}${MARK_END}${after}`);
        assert.equal(plain, plainSnippet(before + match + after));
        assert.equal(plain, plain.split(/\s+/u).filter(Boolean).join(' '));
      }),
    );
  });
});
