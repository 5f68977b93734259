import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type ShownPart, shownParts } from '../../../src/protocol/shownParts.ts';
import { forPanel, partText } from '../../../src/views/messageParts.ts';
import { messageAt } from './messages.ts';

const call = { type: 'tool-call', id: 'c1', name: 'Bash', input: { command: 'cat\nnotes.md', timeout: 10 } };
const long = 'x'.repeat(5000);

/** What the panel shows of a message: its texts, and the lines of what is folded. */
function told(content: string, parts: unknown): string[] {
  return shownParts(forPanel(messageAt(1, { content, parts }))).map((part) =>
    part.type === 'text'
      ? content.slice(part.from, part.to)
      : [`${part.type}:`, part.name, part.summary].filter((word) => word !== null).join(' '),
  );
}

describe('parts of an agent’s message in the panel', () => {
  it('are shown in their order, the texts as they are, the others in a line', () => {
    const parts = [
      { type: 'reasoning', text: '\nThink first.\nThen act.' },
      { type: 'text', text: 'I look.' },
      call,
      { type: 'text', text: 'I look.' },
      { type: 'image', mediaType: 'image/png', size: 3, hash: 'h' },
      { type: 'other', value: { a: 1 } },
    ];
    const content = 'I look.\n\n**Bash** `cat notes.md`\n\nI look.\n\n(image)';
    assert.deepEqual(told(content, parts), [
      'reasoning: Think first.',
      'I look.',
      'tool-call: Bash cat notes.md',
      'I look.',
      'image: image/png',
      'other: {',
    ]);
    const [, first, , second] = shownParts(forPanel(messageAt(1, { content, parts }))) as readonly { from: number }[];
    assert.ok((first?.from ?? 0) < (second?.from ?? 0));
  });

  it('do not bring long texts along, but have them for who asks', () => {
    const parts = [
      { type: 'tool-result', id: 'c1', output: long, isError: true },
      { type: 'tool-result', id: 'c2' },
      { type: 'tool-call', id: 'c3', name: 'Write', input: { file_path: 'a.ts', content: long } },
    ];
    const message = messageAt(1, { content: 'all of it', parts });
    const shown = shownParts(forPanel(message)) as Extract<ShownPart, { text: unknown }>[];
    assert.deepEqual(
      shown.map(({ isError, text, summary }) => [isError, text, summary.length]),
      [
        [true, null, 200],
        [false, 'all of it', 9],
        [false, null, 4],
      ],
    );
    assert.ok(JSON.stringify(forPanel(message)).length < 2000);
    assert.deepEqual(
      [0, 1, 3].map((index) => partText(message, index)),
      [long, 'all of it', ''],
    );
    assert.deepEqual(JSON.parse(partText(message, 2)), { file_path: 'a.ts', content: long });
    assert.equal(shown[0]?.length, 5000);
  });

  it('give way to a content that was changed', () => {
    const parts = [{ type: 'text', text: 'before' }, call, { type: 'text', text: 'kept' }];
    assert.deepEqual(told('after\n\nkept', parts), ['after\n\nkept', 'tool-call: Bash cat notes.md']);
  });

  it('of the chat itself are left as they are', () => {
    const message = messageAt(1, { parts: { replyTo: 'x' } });
    assert.equal(forPanel(message), message);
    assert.deepEqual([shownParts(message), partText(message, 0)], [[], '']);
  });

  it('may be anything at all', () => {
    fc.assert(
      fc.property(fc.array(fc.anything()), fc.string(), (parts, content) => {
        forPanel(messageAt(1, { content, parts }));
        for (const index of parts.keys())
          assert.equal(typeof partText(messageAt(1, { content, parts }), index), 'string');
      }),
    );
  });

  it('cover the content in order where the texts are in it, and are what is asked for where they come along', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '\n', '🙂'), minLength: 1, maxLength: 6 });
    const part = fc.oneof(
      text.map((one) => ({ type: 'text', text: one })),
      fc.oneof(text, fc.constant(long)).map((one) => ({ type: 'reasoning', text: one })),
      fc.oneof(fc.jsonValue(), fc.constant(long)).map((input) => ({ type: 'tool-call', id: 'c', name: 'Bash', input })),
      fc.option(fc.constant(long), { nil: undefined }).map((output) => ({ type: 'tool-result', id: 'c', output })),
    );
    const isText = (one: object): one is { text: string } => 'type' in one && one.type === 'text';
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), fc.constantFrom('', '\n\n', ' – '), (parts, between) => {
        const content = parts.map((one) => (isText(one) ? one.text : '[…]')).join(between);
        const message = messageAt(1, { content, parts });
        const shown = shownParts(forPanel(message));
        assert.deepEqual(
          shown.map(({ index }) => index),
          parts.map((_, index) => index),
        );
        let end = 0;
        for (const one of shown) {
          if (one.type === 'text') {
            assert.ok(one.from >= end);
            assert.equal(content.slice(one.from, one.to), (parts[one.index] as { text: string }).text);
            end = one.to;
          } else {
            const whole = partText(message, one.index);
            assert.deepEqual([one.length, one.text ?? whole], [whole.length, whole]);
            assert.ok(one.text !== null || whole.length > 4000);
            assert.ok(one.summary.length <= 200 && one.summary.isWellFormed() && !one.summary.includes('\n'));
          }
        }
      }),
    );
  });
});
