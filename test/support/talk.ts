import type { Message } from '../../src/protocol/model.ts';
import type { ChatParts } from '../../src/protocol/parts.ts';

/** The messages of a conversation, each with an id, a role, the chat's parts and a text, which is otherwise its id. */
export function talk(
  ...rows: (readonly [id: string, role: Message['role'], parts?: ChatParts | null, rest?: Partial<Message>])[]
): Message[] {
  return rows.map(([id, role, parts = null, rest], index) => ({
    id,
    conversationId: 'talk',
    seq: index + 1,
    role,
    author: null,
    content: id,
    parts,
    status: 'complete',
    model: null,
    revision: 1,
    createdAt: 0,
    updatedAt: 0,
    deletedAt: null,
    ...rest,
  }));
}
