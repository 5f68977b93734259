import assert from 'node:assert/strict';
import fc from 'fast-check';
import { beginningOf, isLong } from '../../../src/views/webview/longText.ts';

describe('long texts', () => {
  it('are those of many characters or many lines', () => {
    assert.deepEqual([isLong('x'.repeat(20_000)), isLong('x'.repeat(20_001))], [false, true]);
    assert.deepEqual([isLong('x\n'.repeat(500)), isLong(`${'x\n'.repeat(500)}x`)], [false, true]);
  });

  it('begin with whole lines, if they are not too long', () => {
    assert.equal(beginningOf('a line\n'.repeat(1000)), 'a line\n'.repeat(60).trimEnd());
    assert.equal(beginningOf(`short\n${'x'.repeat(30_000)}`), 'short');
    assert.equal(beginningOf('x'.repeat(30_000)).length, 3000);
    assert.ok(beginningOf(`x${'😀'.repeat(20_000)}`).isWellFormed());
    fc.assert(fc.property(fc.string(), (text) => text.startsWith(beginningOf(text))));
  });

  it('show a beginning of a few screens that is theirs, and never nothing', () => {
    const piece = fc.constantFrom('x', '🙂', '\n', 'a line\n', ' ', '\r\n');
    const times = fc.oneof(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 2990, max: 3010 }), fc.constant(21_000));
    fc.assert(
      fc.property(fc.array(fc.tuple(piece, times), { minLength: 1, maxLength: 4 }), (pieces) => {
        const text = pieces.map(([one, count]) => one.repeat(count)).join('');
        const beginning = beginningOf(text);
        assert.ok(beginning.length <= 3000 && beginning.split('\n').length <= 61 && beginning.isWellFormed());
        assert.ok(text.startsWith(beginning.replace(/\uFFFD$/, '')));
        if (isLong(text)) assert.ok(beginning.length < text.length);
        const [firstLines = ''] = /^(?:[^\n]*\n){0,59}/.exec(text.slice(0, 3000)) ?? [];
        if (/\S/.test(firstLines) || /^\s{0,50}\S/.test(text)) assert.match(beginning, /\S/);
      }),
    );
  });
});
