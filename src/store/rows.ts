import type { Conversation, Message } from '../protocol/model.ts';

/**
 * How many messages of a row of `conversations` are not read. The deleted ones have an index of their own, which is
 * short, so the others need not be looked at.
 */
export const unreadCount = `(last_seq - last_read_seq - (SELECT count(*) FROM messages m
  WHERE m.conversation_id = conversations.id AND m.seq > conversations.last_read_seq AND m.deleted_at IS NOT NULL))`;

/** Columns of `conversations` under the names of {@link Conversation}; `tags` still as JSON text. */
export const conversationColumns = `id, title, source, external_id AS externalId, last_seq AS lastSeq,
  last_read_seq AS lastReadSeq, ${unreadCount} AS unread, pinned_at AS pinnedAt, archived_at AS archivedAt,
  iif(json_valid(tags), tags, '[]') AS tags, parent_id AS parentId, branched_from AS branchedFrom, revision,
  created_at AS createdAt, updated_at AS updatedAt, deleted_at AS deletedAt, purged_at AS purgedAt`;

/** Columns of `messages` under the names of {@link Message}; `parts` still as JSON text. */
export const messageColumns = `id, conversation_id AS conversationId, seq, role, author, content,
  json(parts) AS parts, status, model, revision, created_at AS createdAt, updated_at AS updatedAt,
  deleted_at AS deletedAt`;

/** Columns of `change_log` under the names of a `Change`. */
export const changeColumns = `id, change_type AS changeType, conversation_id AS conversationId,
  message_id AS messageId, seq, new_title AS newTitle, origin_instance_id AS originInstanceId`;

/** A row of {@link conversationColumns}. */
export function toConversation(row: unknown): Conversation {
  const conversation = row as Conversation & { tags: string };
  return { ...conversation, tags: JSON.parse(conversation.tags) };
}

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
