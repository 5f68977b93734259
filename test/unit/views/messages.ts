import type { Message } from '../../../src/protocol/model.ts';

/** A message of the panel's tests. */
export function messageAt(seq: number, changes: Partial<Message> = {}): Message {
  const { revision = 1 } = changes;
  return {
    id: `00000000-0000-7000-8000-${String(seq).padStart(12, '0')}`,
    conversationId: '00000000-0000-7000-8000-000000000000',
    seq,
    role: 'user',
    author: null,
    content: `text ${seq}, revision ${revision}`,
    parts: null,
    status: 'complete',
    model: null,
    revision,
    createdAt: seq,
    updatedAt: seq + revision,
    deletedAt: null,
    ...changes,
  };
}

/** Lets everything that waits only for promises go on. */
export async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}
