import type { Conversation, Message } from '../protocol/model.ts';

/** Columns of `conversations` under the names of {@link Conversation}. */
export const conversationColumns = `id, title, source, external_id AS externalId, last_seq AS lastSeq,
  last_read_seq AS lastReadSeq, revision, created_at AS createdAt, updated_at AS updatedAt, deleted_at AS deletedAt`;

/** Columns of `messages` under the names of {@link Message}; `parts` still as JSON text. */
export const messageColumns = `id, conversation_id AS conversationId, seq, role, author, content,
  json(parts) AS parts, status, model, revision, created_at AS createdAt, updated_at AS updatedAt,
  deleted_at AS deletedAt`;

/** Columns of `change_log` under the names of a `Change`. */
export const changeColumns = `id, change_type AS changeType, conversation_id AS conversationId,
  message_id AS messageId, seq, new_title AS newTitle, origin_instance_id AS originInstanceId`;

/** A row of {@link conversationColumns}, which names exactly these fields. */
export const toConversation = (row: unknown): Conversation => row as Conversation;

/** Length of the text and the parts in a row of {@link messageColumns}, in UTF-16 code units. */
export function messageLength(row: unknown): number {
  const { content, parts } = row as { content: string; parts: string | null };
  return content.length + (parts?.length ?? 0);
}

/** A row of {@link messageColumns}. */
export function toMessage(row: unknown): Message {
  const message = row as Message & { parts: string | null };
  return { ...message, parts: message.parts === null ? null : JSON.parse(message.parts) };
}
