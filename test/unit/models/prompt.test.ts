import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { promptFrom, tokensIn } from '../../../src/models/prompt.ts';
import { terminalAttachment } from '../../../src/protocol/attachments.ts';
import type { Role } from '../../../src/protocol/model.ts';
import { talk } from '../../support/talk.ts';

describe('prompt', () => {
  it('holds the talk, with what was attached, and leaves out failures and the output of tools', () => {
    const line = talk(
      ['Be brief.', 'system'],
      ['Hi', 'user', { attachments: [terminalAttachment('zsh', 'out')] }],
      ['half a reply', 'assistant', null, { status: 'interrupted' }],
      ['a failure', 'assistant', null, { status: 'error' }],
      ['raw output', 'tool'],
      ['deleted', 'user', null, { content: '', deletedAt: 1 }],
      ['And?', 'user'],
    );
    assert.deepEqual(promptFrom(line, 1000), {
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Output of the terminal “zsh”:\n```\nout\n```\n\nHi' },
        { role: 'assistant', content: 'half a reply' },
        { role: 'user', content: 'And?' },
      ],
      fromSeq: 1,
      count: 4,
      isWhole: true,
    });
  });

  it('takes turns: neighbours of one role are one', () => {
    const line = talk(['one', 'user'], ['two', 'user'], ['three', 'assistant'], ['four', 'user']);
    assert.deepEqual(
      promptFrom(line, 1000).messages.map(({ content }) => content),
      ['one\n\ntwo', 'three', 'four'],
    );
  });

  it('refuses a question that is too long by itself', () => {
    assert.throws(() => promptFrom(talk(['short', 'user'], ['long '.repeat(100), 'user']), 50), {
      reason: 'too-large',
    });
  });

  it('is the newest end of the talk, whole, within what the model takes, and begins with the user', () => {
    const message = fc.tuple(fc.string({ maxLength: 60 }), fc.constantFrom<Role>('user', 'assistant'));
    fc.assert(
      fc.property(fc.array(message, { maxLength: 20 }), fc.integer({ min: 30, max: 500 }), (earlier, maxTokens) => {
        const line = talk(...earlier, ['?', 'user']);
        const { messages, fromSeq, count, isWhole } = promptFrom(line, maxTokens);
        const sent = line.filter(({ seq, content }) => seq >= fromSeq && content.trim() !== '');
        assert.equal(sent.length, count);
        assert.equal(isWhole, line.filter(({ content }) => content.trim() !== '').length === count);
        assert.equal(
          messages.map(({ content }) => content).join('\n\n'),
          sent.map(({ content }) => content).join('\n\n'),
        );
        assert.ok(tokensIn(sent) <= maxTokens);
        assert.equal(messages[0]?.role, 'user');
        assert.ok(messages.every(({ role }, index) => role !== messages[index - 1]?.role));
        const before = line.findLast(
          ({ seq, role, content }) => seq < fromSeq && role === 'user' && content.trim() !== '',
        );
        if (before) assert.ok(tokensIn(line.filter(({ seq }) => seq >= before.seq)) > maxTokens);
      }),
    );
  });

  it('takes no fewer messages when the model takes more, or what they say is shorter', () => {
    const message = fc.tuple(fc.nat({ max: 90 }), fc.constantFrom<Role>('user', 'assistant', 'system', 'tool'));
    const talks = fc.array(message, { maxLength: 20 });
    fc.assert(
      fc.property(talks, fc.integer({ min: 30, max: 400 }), fc.nat({ max: 100 }), (earlier, maxTokens, more) => {
        const line = talk(...earlier.map(([length, role]) => ['x'.repeat(length + 1), role] as const), ['?', 'user']);
        const shorter = line.map((one) => ({ ...one, content: one.content.slice(0, 30) }));
        const { count, fromSeq } = promptFrom(line, maxTokens);
        for (const prompt of [promptFrom(line, maxTokens + more), promptFrom(shorter, maxTokens)]) {
          assert.ok(prompt.count >= count && prompt.fromSeq <= fromSeq);
        }
        assert.equal(
          tokensIn(line),
          line.reduce((sum, one) => sum + tokensIn([one]), 0),
        );
      }),
    );
  });
});
