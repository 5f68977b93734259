import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { signal } from '@preact/signals';
import type { PanelState } from '../../../src/protocol/panel.ts';
import { emptyState, withDraft } from '../../../src/views/webview/drafts.ts';
import { keepSaved } from '../../../src/views/webview/saving.ts';

function setUp() {
  const state = signal<PanelState>(emptyState);
  const saved: PanelState[] = [];
  const flush = keepSaved(state, (current) => saved.push(current));
  saved.length = 0;
  const type = (text: string) => {
    state.value = withDraft(state.value, '', text);
  };
  return { state, saved, flush, type };
}

describe('saving of the panel', () => {
  it('waits for a pause in writing', async () => {
    const { state, saved, type } = setUp();
    for (const text of ['a', 'ab', 'abc']) type(text);
    assert.deepEqual(saved, []);
    await sleep(300);
    assert.deepEqual(saved, [state.value]);
  });

  it('saves at once when the page goes, and then nothing twice', async () => {
    const { state, saved, flush, type } = setUp();
    type('a');
    flush();
    assert.deepEqual(saved, [state.value]);
    flush();
    await sleep(300);
    assert.equal(saved.length, 1);
  });

  it('saves at once what is handed over', () => {
    const { state, saved, type } = setUp();
    type('a');
    state.value = { ...state.value, drafts: {}, outbox: [{ conversationId: 'c', messageId: 'm', content: 'a' }] };
    assert.deepEqual(saved, [state.value]);
  });
});
