import { randomUUID } from 'node:crypto';
import type { ChangeEvent, HubChange } from '../../../src/protocol/hub.ts';
import { applyPatch, type Patch } from '../../../src/protocol/patch.ts';

/** A change that creates a conversation. */
export function newConversation(id: string = randomUUID(), title = 'Talk'): HubChange {
  const value = { id, title, source: 'chat', externalId: null, createdAt: 1, deletedAt: null };
  return create('conversation', id, value);
}

/** A change that creates a message. */
export function newMessage(conversationId: string, content = 'Hello', id: string = randomUUID()): HubChange {
  const value = {
    id,
    conversationId,
    role: 'user',
    author: null,
    content,
    parts: null,
    status: 'complete',
    model: null,
    createdAt: 1,
    deletedAt: null,
  };
  return create('message', id, value);
}

function create(entity_type: HubChange['entity_type'], entity_id: string, value: unknown): HubChange {
  return {
    event_type: 'create',
    entity_type,
    entity_id,
    revision_id: randomUUID(),
    json_patch: [{ op: 'add', path: '', value }],
  };
}

/** A change of what another change has made or changed. */
export function edit(
  { entity_type, entity_id, revision_id }: HubChange,
  json_patch: Patch,
): HubChange & { event_type: 'update' } {
  return {
    event_type: 'update',
    entity_type,
    entity_id,
    revision_id: randomUUID(),
    base_revision_id: revision_id,
    json_patch,
  };
}

export function replaceContent(base: HubChange, value: string) {
  return edit(base, [{ op: 'replace', path: '/content', value }]);
}

export function remove({ entity_type, entity_id, revision_id }: HubChange): HubChange {
  return { event_type: 'delete', entity_type, entity_id, revision_id: randomUUID(), base_revision_id: revision_id };
}

/** What a replica makes of events: every entity by its id. */
export function fold(events: readonly ChangeEvent[], state = new Map<string, unknown>()): Map<string, unknown> {
  for (const { entity_id, json_patch } of events) state.set(entity_id, applyPatch(state.get(entity_id), json_patch));
  return state;
}

/** The numbers from one to another. */
export function numbers(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}
