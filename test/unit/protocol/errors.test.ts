import assert from 'node:assert/strict';
import { DevChatError, serialiseError } from '../../../src/protocol/errors.ts';
import { withPrefix } from '../../../src/protocol/log.ts';

describe('error that crosses a process boundary', () => {
  it('keeps its reason and its words, and nothing else', () => {
    const error = new DevChatError('busy', 'Try again.', { cause: new Error('secret') });
    assert.deepEqual(serialiseError(error), { reason: 'busy', message: 'Try again.' });
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
