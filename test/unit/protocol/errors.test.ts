import assert from 'node:assert/strict';
import fc from 'fast-check';
import { DevChatError, type Reason, serialiseError } from '../../../src/protocol/errors.ts';
import { withPrefix } from '../../../src/protocol/log.ts';

describe('error that crosses a process boundary', () => {
  it('keeps its reason and its words, and nothing else', () => {
    const error = new DevChatError('busy', 'Try again.', { cause: new Error('secret') });
    assert.deepEqual(serialiseError(error), { reason: 'busy', message: 'Try again.' });
  });

  it('says the same after any number of boundaries', () => {
    const thrown = fc.oneof(
      fc
        .tuple(fc.constantFrom<Reason[]>('busy', 'too-large', 'unexpected'), fc.string())
        .map(([reason, message]) => new DevChatError(reason, message, { cause: new Error('secret') })),
      fc.string().map((message) => new RangeError(message)),
      fc.oneof(fc.string(), fc.integer(), fc.constantFrom(null, undefined, true, Symbol('s'), 7n)),
    );
    fc.assert(
      fc.property(thrown, (error) => {
        const once = serialiseError(error);
        const { reason, message } = JSON.parse(JSON.stringify(once));
        assert.deepEqual(serialiseError(new DevChatError(reason, message)), once);
      }),
    );
  });

  const foreign: [what: string, error: unknown, message: string][] = [
    ['an error of another kind', new TypeError('x is not a function'), 'x is not a function'],
    ['text', 'broken', 'broken'],
    ['nothing', undefined, 'undefined'],
    ['an error with a reason that is not ours', Object.assign(new Error('no'), { reason: 'busy' }), 'no'],
  ];
  for (const [what, error, message] of foreign) {
    it(`is unexpected when it is ${what}`, () => {
      assert.deepEqual(serialiseError(error), { reason: 'unexpected', message });
    });
  }
});

describe('log', () => {
  it('names the component before each line', () => {
    const lines: string[] = [];
    const log = withPrefix((level, text) => lines.push(`${level} ${text}`), 'peers');
    log('warn', 'gone');
    assert.deepEqual(lines, ['warn peers: gone']);
  });
});
