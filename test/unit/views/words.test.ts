import assert from 'node:assert/strict';
import fc from 'fast-check';
import { findWords, wordsOf } from '../../../src/views/webview/words.ts';

/** The stretches of a text that a query finds. */
function found(text: string, query: string): string[] {
  return findWords(text, wordsOf(query)).map(({ from, to }) => text.slice(from, to));
}

describe('words that are searched for', () => {
  it('are found whole, the last one as a beginning too, in every spelling that the index takes for the same', () => {
    assert.deepEqual(found('Lock the lock, unlock; locks', 'lock'), ['Lock', 'lock', 'lock']);
    assert.deepEqual(found('the reads of a read-lock', 'read LOC'), ['read', 'loc']);
    assert.deepEqual(found('Crème brûlée, creme', 'creme'), ['Crème', 'creme']);
    assert.deepEqual(found('max_value and max value', 'max_v'), ['max_v']);
    assert.deepEqual(found('ПРИВЕТ, привет', 'Привет'), ['ПРИВЕТ', 'привет']);
    assert.deepEqual([found('anything', ''), found('anything', ' -"* ')], [[], []]);
  });

  it('have places within the text, ascending and apart, whatever the text is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary', maxLength: 3 }), (text, query) => {
        let end = 0;
        for (const { from, to } of findWords(`${text} ${query}`, wordsOf(query))) {
          assert.ok(end <= from && from < to && to <= text.length + 1 + query.length);
          end = to;
        }
      }),
    );
  });
});
