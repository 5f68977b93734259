import assert from 'node:assert/strict';
import fc from 'fast-check';
import { terminalAttachment } from '../../../src/protocol/attachments.ts';
import type { PanelState } from '../../../src/protocol/panel.ts';
import { emptyState, moveDraft, NO_CONVERSATION, rescueEdits } from '../../../src/views/webview/drafts.ts';
import { messageAt } from './messages.ts';

const message = messageAt(1);
const { conversationId } = message;
const tombstone = messageAt(1, { revision: 2, content: '', deletedAt: 5 });

function stateWith(drafts: PanelState['drafts']): PanelState {
  return { ...emptyState, conversationId, drafts };
}

describe('drafts of the panel', () => {
  it('give the edit of a deleted message to the composer, behind what is written there', () => {
    const { state, hasText } = rescueEdits(stateWith({ [conversationId]: 'draft', [message.id]: 'edit' }), [tombstone]);
    assert.deepEqual(state.drafts, { [conversationId]: 'draft\n\nedit' });
    assert.equal(hasText, true);
    const alone = rescueEdits(stateWith({ [message.id]: 'edit' }), [tombstone]);
    assert.deepEqual(alone.state.drafts, { [conversationId]: 'edit' });
  });

  it('leave edits of other messages alone', () => {
    const state = stateWith({ [message.id]: 'edit' });
    const rescued = rescueEdits(state, [messageAt(1, { revision: 2 }), messageAt(2, { deletedAt: 5 })]);
    assert.equal(rescued.state, state);
    assert.equal(rescued.hasText, false);
  });

  it('drop an edit without text silently', () => {
    const { state, hasText } = rescueEdits(stateWith({ [message.id]: ' ' }), [tombstone]);
    assert.deepEqual(state.drafts, {});
    assert.equal(hasText, false);
  });

  const text = fc.string({ unit: fc.constantFrom('a', 'b', ' ', '\n') });
  const keys = fc.constantFrom(NO_CONVERSATION, conversationId, message.id, 'other');
  const anyState = fc
    .tuple(
      fc.dictionary(keys, text, { noNullPrototype: true }),
      fc.dictionary(
        keys,
        fc.array(
          text.map((out) => terminalAttachment('zsh', out)),
          { minLength: 1, maxLength: 2 },
        ),
        {
          noNullPrototype: true,
        },
      ),
    )
    .map(([drafts, attachments]): PanelState => ({ ...emptyState, drafts, attachments }));

  it('lose nothing that was typed or attached when they are moved, and leave the others as they are', () => {
    fc.assert(
      fc.property(anyState, keys, keys, (state, from, to) => {
        fc.pre(from !== to);
        const moved = moveDraft(state, from, to);
        const typed = (drafts: PanelState['drafts'], ...all: string[]) => all.map((key) => drafts[key] ?? '').join('');
        const bare = (words: string) => words.replace(/\s+/g, '');
        assert.equal(bare(typed(moved.drafts, to)), bare(typed(state.drafts, to, from)));
        const attached = [...(state.attachments[to] ?? []), ...(state.attachments[from] ?? [])];
        assert.deepEqual(moved.attachments[to] ?? [], attached);
        assert.ok(!(from in moved.drafts) && !(from in moved.attachments));
        const others = ({ drafts, attachments }: PanelState) =>
          [drafts, attachments].map((all) => Object.entries(all).filter(([key]) => key !== from && key !== to));
        assert.deepEqual(others(moved), others(state));
      }),
    );
  });

  it('are rescued once, though the news of a deletion comes again', () => {
    const rows = fc.array(
      fc
        .tuple(fc.integer({ min: 1, max: 3 }), fc.boolean())
        .map(([seq, isDeleted]) => messageAt(seq, isDeleted ? { deletedAt: 5, revision: 2 } : {})),
    );
    const edits = fc.dictionary(
      fc.integer({ min: 1, max: 3 }).map((seq) => messageAt(seq).id),
      text,
    );
    fc.assert(
      fc.property(rows, edits, (news, drafts) => {
        const rescued = rescueEdits(stateWith(drafts), news);
        const again = rescueEdits(rescued.state, news);
        assert.equal(again.state, rescued.state);
        assert.equal(again.hasText, false);
        const kept = rescued.state.drafts[conversationId];
        assert.equal(rescued.hasText, kept !== undefined);
      }),
    );
  });
});
