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
});
