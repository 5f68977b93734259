import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { arrange, leadingTo } from '../../../src/protocol/alternatives.ts';
import type { Message } from '../../../src/protocol/model.ts';
import { type ChatParts, readParts } from '../../../src/protocol/parts.ts';
import { talk } from '../../support/talk.ts';

const ids = (messages: readonly Message[]) => messages.map(({ id }) => id).join(' ');

/** A question, its answer, a second answer, and what was said after each of the two. */
const branched = talk(
  ['q1', 'user'],
  ['a1', 'assistant', { replyTo: 'q1' }],
  ['q2', 'user', { replyTo: 'a1' }],
  ['a2', 'assistant', { replyTo: 'q2' }],
  ['b1', 'assistant', { replyTo: 'q1', alternativeOf: 'a1' }],
  ['q3', 'user', { replyTo: 'b1' }],
);

describe('alternatives in a conversation', () => {
  it('are none where nothing says so, whoever wrote at the same time', () => {
    const messages = talk(
      ['q1', 'user', { replyTo: 'older' }],
      ['q2', 'user', { replyTo: 'older' }],
      ['a2', 'assistant', { replyTo: 'q2' }],
      ['a1', 'assistant', { replyTo: 'q1' }],
      ['x', 'tool'],
    );
    const { shown, alternatives } = arrange(messages);
    assert.deepEqual([shown, [...alternatives]], [messages, []]);
  });

  it('show the one where something was written last, and what follows on it', () => {
    const { shown, alternatives } = arrange(branched);
    assert.equal(ids(shown), 'q1 b1 q3');
    assert.deepEqual([...alternatives], [['b1', ['a1', 'b1']]]);
    assert.equal(ids(arrange(branched.slice(0, 4)).shown), 'q1 a1 q2 a2');
    const later = talk(...branched.map(asRow), ['q4', 'user', { replyTo: 'a2' }]);
    assert.equal(ids(arrange(later).shown), 'q1 a1 q2 a2 q4');
  });

  it('show the one that was chosen', () => {
    const { shown, alternatives } = arrange(branched, new Set(['a1']));
    assert.equal(ids(shown), 'q1 a1 q2 a2');
    assert.deepEqual([...alternatives], [['a1', ['a1', 'b1']]]);
  });

  it('take an alternative of an alternative as one more of the same', () => {
    const messages = talk(...branched.map(asRow), ['c1', 'assistant', { replyTo: 'q1', alternativeOf: 'b1' }]);
    assert.deepEqual([...arrange(messages).alternatives], [['c1', ['a1', 'b1', 'c1']]]);
  });

  it('leave one out that was deleted', () => {
    const messages = branched.map((one) => (one.id === 'b1' ? { ...one, deletedAt: 1, parts: null } : one));
    assert.deepEqual([...arrange(messages).alternatives], []);
    const chosen = arrange(messages, new Set(['b1']));
    assert.equal(ids(chosen.shown), ids(messages));
  });

  it('lead to a message by its own branch, wherever something was written later', () => {
    const [, , , a2, , q3] = branched;
    assert.equal(ids(leadingTo(branched, a2 ?? assert.fail())), 'q1 a1 q2 a2');
    assert.equal(ids(leadingTo(branched, q3 ?? assert.fail())), 'q1 b1 q3');
  });

  it('hide the old question, and what followed on it, when it is edited, also when it was the first', () => {
    for (const [edited, expected] of [
      ['q1', 'new'],
      ['q2', 'q1 a1 new'],
    ] as const) {
      const messages = talk(...branched.map(asRow), ['new', 'user', { alternativeOf: edited }]);
      assert.equal(ids(arrange(messages).shown), expected);
      assert.equal(ids(leadingTo(messages, messages.at(-1) ?? assert.fail())), expected);
    }
  });

  it('are shown as far as they are known, of a conversation known in part', () => {
    assert.equal(ids(arrange(branched.slice(2)).shown), 'q2 a2 b1 q3');
  });

  it('are arranged whatever the links say: nothing is shown twice, and something of each group', () => {
    const link = fc.option(fc.constantFrom('m0', 'm1', 'm2', 'm3', 'm4', 'm5', 'm6', 'm7', 'none'), { nil: undefined });
    const parts = fc.record({ replyTo: link, alternativeOf: link });
    fc.assert(
      fc.property(
        fc.array(parts, { maxLength: 8 }),
        fc.uniqueArray(fc.constantFrom('m0', 'm1', 'm2', 'm3')),
        (all, wish) => {
          const messages = talk(...all.map((one, index): Row => [`m${index}`, 'user', one]));
          const { shown, alternatives } = arrange(messages, new Set(wish));
          assert.deepEqual(
            shown,
            messages.filter((one) => shown.includes(one)),
          );
          assert.ok(shown.length > 0 || messages.length === 0);
          for (const [id, members] of alternatives) {
            assert.deepEqual(
              shown.filter((one) => members.includes(one.id)).map((one) => one.id),
              [id],
            );
          }
          for (const one of messages) assert.equal(leadingTo(messages, one).at(-1)?.id, one.id);
        },
      ),
    );
  });

  it('are each shown when they are chosen, with what they answer, and nothing is lost', () => {
    // Each message answers one before it, or is another version of it, as in a talk that went this way and that.
    const link = fc.record({ to: fc.nat(), isVersion: fc.boolean() });
    fc.assert(
      fc.property(fc.array(link, { minLength: 1, maxLength: 12 }), (links) => {
        const rows = links.map(({ to, isVersion }, index): Row => {
          const id = `m${to % Math.max(1, index)}`;
          return [`m${index}`, 'user', index === 0 ? {} : isVersion ? { alternativeOf: id } : { replyTo: id }];
        });
        const messages = talk(...rows);
        for (const message of messages) {
          const chosen = new Set(leadingTo(messages, message).map(({ id }) => id));
          const { shown, hidden } = arrange(messages, chosen);
          const { replyTo = message.id } = readParts(message.parts, ['replyTo']);
          assert.ok([message.id, replyTo].every((id) => shown.some((one) => one.id === id)));
          assert.equal(shown.length + hidden.size, messages.length);
        }
      }),
    );
  });
});

type Row = [id: string, role: Message['role'], parts?: ChatParts];

function asRow({ id, role, parts }: Message): Row {
  return [id, role, parts as ChatParts];
}
