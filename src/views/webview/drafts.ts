import type { Attachment } from '../../protocol/attachments.ts';
import type { Message } from '../../protocol/model.ts';
import type { PanelState } from '../../protocol/panel.ts';

/** Key of the text written with no conversation shown. */
export const NO_CONVERSATION = '';

/** What a window remembers that has shown nothing yet. */
export const emptyState: PanelState = {
  conversationId: null,
  drafts: {},
  outbox: [],
  attachments: {},
  models: {},
  versions: [],
  anchors: {},
};

/** Keeps `text` under `key`, the id of a conversation or of a message being edited; null forgets it. */
export function withDraft(state: PanelState, key: string, text: string | null): PanelState {
  const { [key]: _, ...others } = state.drafts;
  return { ...state, drafts: text === null ? others : { ...others, [key]: text } };
}

/** Keeps what goes with the text under a key. */
export function withAttached(state: PanelState, key: string, attachments: Attachment[]): PanelState {
  const { [key]: _, ...others } = state.attachments;
  return { ...state, attachments: attachments.length === 0 ? others : { ...others, [key]: attachments } };
}

/** Moves a draft, with what is attached to it, behind whatever is written at its destination already. */
export function moveDraft(state: PanelState, from: string, to: string): PanelState {
  const text = [state.drafts[to], state.drafts[from]].filter((part) => part?.trim()).join('\n\n');
  const attached = [...(state.attachments[to] ?? []), ...(state.attachments[from] ?? [])];
  const moved = withDraft(withDraft(state, from, null), to, text || null);
  return withAttached(withAttached(moved, from, []), to, attached);
}

/** Moves the unfinished edits of messages that were deleted to the drafts of their conversations. */
export function rescueEdits(state: PanelState, rows: readonly Message[]): { state: PanelState; hasText: boolean } {
  const lost = rows.filter(({ id, deletedAt }) => deletedAt !== null && state.drafts[id] !== undefined);
  return {
    state: lost.reduce((rescued, { id, conversationId }) => moveDraft(rescued, id, conversationId), state),
    hasText: lost.some(({ id }) => state.drafts[id]?.trim()),
  };
}
