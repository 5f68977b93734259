import assert from 'node:assert/strict';
import fc from 'fast-check';
import { forPanel } from '../../../src/views/messageParts.ts';
import { toolsOf } from '../../../src/views/webview/tools.ts';
import { messageAt } from './messages.ts';

describe('calls of tools', () => {
  it('have their names and outcomes, wherever call and result are and whichever is known first', () => {
    const calls = fc.uniqueArray(
      fc.record({
        id: fc.constantFrom('a', 'b', 'c', 'constructor'),
        name: fc.constantFrom('Bash', 'Read'),
        isError: fc.option(fc.boolean(), { nil: undefined }),
        isCallKnown: fc.boolean(),
      }),
      { selector: ({ id }) => id },
    );
    const rows = calls.chain((all) => {
      const parts = all.flatMap(({ id, name, isError, isCallKnown }) => [
        ...(isCallKnown ? [[{ type: 'tool-call', id, name, input: {} }]] : []),
        ...(isError === undefined ? [] : [[{ type: 'tool-result', id, output: '', ...(isError && { isError }) }]]),
      ]);
      return fc.tuple(fc.constant(all), fc.shuffledSubarray(parts, { minLength: parts.length }));
    });
    fc.assert(
      fc.property(rows, ([all, parts]) => {
        const tools = toolsOf(parts.map((one, index) => forPanel(messageAt(index + 1, { parts: one }))));
        for (const { id, name, isError, isCallKnown } of all) {
          assert.deepEqual([tools.get(id)?.name, tools.get(id)?.isError], [isCallKnown ? name : undefined, isError]);
        }
      }),
    );
  });
});
