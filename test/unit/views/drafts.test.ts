import assert from 'node:assert/strict';
import type { PanelState } from '../../../src/protocol/panel.ts';
import { emptyState, rescueEdits } from '../../../src/views/webview/drafts.ts';
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
});
