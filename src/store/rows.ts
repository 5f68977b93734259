import type { Conversation, Message } from '../protocol/model.ts';

/**
 * How many messages of a row of `conversations` are not read. The deleted ones have an index of their own, which is
 * short, so the others need not be looked at.
 */
export const unreadCount = `max(0, last_seq - last_read_seq - (SELECT count(*) FROM messages m
  WHERE m.conversation_id = conversations.id AND m.seq > conversations.last_read_seq AND m.deleted_at IS NOT NULL))`;

/** How many messages of a row of `conversations` wait for their numbers from the hub. */
export const unnumberedCount = `(SELECT count(*) FROM messages m
  WHERE m.conversation_id = conversations.id AND m.seq IS NULL)`;

/**
 * The place of a row of `messages` in its conversation: its number, or while it waits for one the place after all that
 * have one, in the order of writing. Readers take it for the number; it may still move.
 * @param row the name of the table in the query
 */
export function placeOf(row: string): string {
  return `coalesce(${row}.seq, 1 + (SELECT c.last_seq FROM conversations c WHERE c.id = ${row}.conversation_id)
    + (SELECT count(*) FROM messages earlier WHERE earlier.conversation_id = ${row}.conversation_id
       AND earlier.seq IS NULL AND earlier.row_id < ${row}.row_id))`;
}

/**
 * Of a row of `conversations`, the newest message that a forked session has from another one, deleted or not, as JSON text:
 * what is done to that message is told of the other conversation only.
 */
const beginning = `SELECT json_object('conversationId', m.conversation_id, 'seq', m.seq)
  FROM memberships b JOIN messages m ON m.id = b.message_id
  WHERE b.conversation_id = conversations.id ORDER BY m.created_at DESC, m.seq DESC LIMIT 1`;

/** Columns of `conversations` under the names of {@link Conversation}; `tags` and `origin` still as JSON text. */
export const conversationColumns = `id, title, source, external_id AS externalId,
  (SELECT json_object('cwd', s.cwd, 'branch', s.branch, 'model', s.model, 'beginsIn', json((${beginning})))
    FROM ingest_sessions s WHERE s.source = conversations.source AND s.external_id = conversations.external_id) AS origin, last_seq + ${unnumberedCount} AS lastSeq,
  last_read_seq AS lastReadSeq, ${unreadCount} AS unread, pinned_at AS pinnedAt, archived_at AS archivedAt,
  iif(json_valid(tags), tags, '[]') AS tags, parent_id AS parentId, branched_from AS branchedFrom, revision,
  created_at AS createdAt, updated_at AS updatedAt, deleted_at AS deletedAt, purged_at AS purgedAt, authority = 'hub' AS isShared`;

/** Columns of `messages` under the names of {@link Message}; `parts` still as JSON text. */
export const messageColumns = `id, conversation_id AS conversationId, ${placeOf('messages')} AS seq,
  messages.seq IS NULL AS isPending, role, author, content,
  json(parts) AS parts, status, model, revision, created_at AS createdAt, updated_at AS updatedAt,
  deleted_at AS deletedAt`;

/** Columns of `change_log` under the names of a `Change`. */
export const changeColumns = `id, change_type AS changeType, conversation_id AS conversationId,
  message_id AS messageId, seq, new_title AS newTitle, origin_instance_id AS originInstanceId`;

interface ConversationJson {
  tags: string;
  origin: string | null;
  isShared: number;
}

/** A row of {@link conversationColumns}. */
export function toConversation(row: unknown): Conversation {
  const { isShared, tags, origin, ...conversation } = row as Omit<Conversation, 'isShared'> & ConversationJson;
  return {
    ...conversation,
    tags: JSON.parse(tags),
    origin: JSON.parse(origin ?? 'null'),
    ...(isShared === 1 ? { isShared: true } : {}),
  };
}

/** Length of the text and the parts in a row of {@link messageColumns}, in UTF-16 code units. */
export function messageLength(row: unknown): number {
  const { content, parts } = row as { content: string; parts: string | null };
  return content.length + (parts?.length ?? 0);
}

/** A row of {@link messageColumns}. */
export function toMessage(row: unknown): Message {
  const { isPending, ...message } = row as Omit<Message, 'isPending'> & { parts: string | null; isPending: number };
  const parts = message.parts === null ? null : JSON.parse(message.parts);
  return { ...message, parts, ...(isPending === 1 ? { isPending: true } : {}) };
}
