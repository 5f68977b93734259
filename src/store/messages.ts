import { v7 as uuid } from 'uuid';
import { DevChatError } from '../protocol/errors.ts';
import type { ChangeType, Message } from '../protocol/model.ts';
import { MAX_RANGE, type Params } from '../protocol/rpc.ts';
import { appendChanges } from './changeLog.ts';
import { getConversation, getLiveConversation } from './conversations.ts';
import type { Database } from './database.ts';
import { messageColumns, toMessage } from './rows.ts';
import { normaliseContent } from './text.ts';

/** Text that one range may answer, in UTF-16 code units; the first message always comes, whatever its length. */
const MAX_RANGE_LENGTH = 4_000_000;

/** Appends a message; see {@link insertMessage}. */
export function addMessage(db: Database, origin: string, params: Params<'message/add'>): Promise<Message> {
  return db.write(() => insertMessage(db, origin, params));
}

/**
 * Appends a message under the conversation's next number, inside a write transaction. The id is the idempotency key:
 * a message that has it already is returned as it is.
 * @throws {DevChatError} `not-found`, `deleted`, `too-large`, `conflict` (the id is another conversation's message)
 */
export function insertMessage(db: Database, origin: string, params: Params<'message/add'>): Message {
  const { conversationId, id = uuid(), role, author, model, parts, status } = params;
  const content = normaliseContent(params.content);
  const existing = findMessage(db, id);
  if (existing?.conversationId === conversationId) return existing;
  if (existing) throw new DevChatError('conflict', `The message id ${id} is taken by another conversation.`);
  getLiveConversation(db, conversationId);
  const now = Date.now();
  const { seq } = db
    .sql(
      `UPDATE conversations SET last_seq = last_seq + 1, revision = revision + 1, updated_at = ? WHERE id = ?
       RETURNING last_seq AS seq`,
    )
    .get(now, conversationId) as { seq: number };
  const added = toMessage(
    db
      .sql(
        `INSERT INTO messages(id, conversation_id, seq, role, author, content, parts, status, model, created_at,
           updated_at)
         VALUES (:id, :conversationId, :seq, :role, :author, :content, jsonb(:parts), :status, :model, :now, :now)
         RETURNING ${messageColumns}`,
      )
      .get({
        id,
        conversationId,
        seq,
        role,
        author: author ?? null,
        content,
        parts: toJson(parts),
        status: status ?? 'complete',
        model: model ?? null,
        now,
      }),
  );
  appendChanges(db, [{ changeType: 'MessageAdded', conversationId, messageId: id, seq, revision: 1 }], origin);
  return added;
}

/** Changes a message; see {@link writeMessage}. */
export function updateMessage(db: Database, origin: string, params: Params<'message/update'>): Promise<Message> {
  return db.write(() => writeMessage(db, origin, params));
}

/**
 * Replaces the text, the parts or the status of a message, inside a write transaction; what is not given stays.
 * @throws {DevChatError} `not-found`, `deleted`, `too-large`
 */
export function writeMessage(db: Database, origin: string, params: Params<'message/update'>): Message {
  const { messageId, parts, status } = params;
  const content = params.content === undefined ? undefined : normaliseContent(params.content);
  const before = getLiveMessage(db, messageId);
  const after = {
    content: content ?? before.content,
    parts: toJson(parts === undefined ? before.parts : parts),
    status: status ?? before.status,
  };
  const unchanged =
    after.content === before.content && after.status === before.status && after.parts === toJson(before.parts);
  return unchanged ? before : change(db, origin, before, 'MessageUpdated', { ...after, deletedAt: null });
}

/**
 * Deletes a message: its text goes, its number stays as a tombstone.
 * @throws {DevChatError} `not-found`, `deleted` (the whole conversation is in the bin)
 */
export function deleteMessage(db: Database, origin: string, messageId: string): Promise<Message> {
  return db.write(() => {
    const before = findMessage(db, messageId);
    if (before && before.deletedAt !== null) return before;
    const message = getLiveMessage(db, messageId);
    const tombstone = { content: '', parts: null, status: message.status, deletedAt: Date.now() };
    return change(db, origin, message, 'MessageDeleted', tombstone);
  });
}

/**
 * The messages with numbers `fromSeq` to `toSeq`, tombstones included, and the newest number of the conversation.
 * Long ranges are answered in part, from their beginning.
 * @throws {DevChatError} `not-found`
 */
export function messageRange(
  db: Database,
  { conversationId, fromSeq, toSeq }: Params<'message/range'>,
): { messages: Message[]; lastSeq: number } {
  return db.read(() => {
    const { lastSeq } = getConversation(db, conversationId);
    const rows = db
      .sql(
        `SELECT ${messageColumns} FROM messages WHERE conversation_id = ? AND seq BETWEEN ? AND ?
         ORDER BY seq LIMIT ${MAX_RANGE}`,
      )
      .iterate(conversationId, fromSeq, toSeq);
    const messages: Message[] = [];
    let length = 0;
    for (const row of rows) {
      const message = toMessage(row);
      length += message.content.length;
      if (messages.length > 0 && length > MAX_RANGE_LENGTH) break;
      messages.push(message);
    }
    return { messages, lastSeq };
  });
}

function findMessage(db: Database, id: string): Message | undefined {
  const row = db.sql(`SELECT ${messageColumns} FROM messages WHERE id = ?`).get(id);
  return row === undefined ? undefined : toMessage(row);
}

function getLiveMessage(db: Database, id: string): Message {
  const message = findMessage(db, id);
  if (!message) throw new DevChatError('not-found', `There is no message ${id} in this workspace’s history.`);
  if (message.deletedAt !== null) throw new DevChatError('deleted', 'This message was deleted and cannot be changed.');
  getLiveConversation(db, message.conversationId);
  return message;
}

/** Writes the new version of one message, raises both revisions and logs the change, inside a write transaction. */
function change(
  db: Database,
  origin: string,
  { id, conversationId, seq }: Message,
  changeType: ChangeType,
  columns: { content: string; parts: string | null; status: string; deletedAt: number | null },
): Message {
  const now = Date.now();
  const updated = toMessage(
    db
      .sql(
        `UPDATE messages SET content = :content, parts = jsonb(:parts), status = :status, deleted_at = :deletedAt,
           revision = revision + 1, updated_at = :now
         WHERE id = :id RETURNING ${messageColumns}`,
      )
      .get({ ...columns, id, now }),
  );
  db.sql('UPDATE conversations SET revision = revision + 1, updated_at = ? WHERE id = ?').run(now, conversationId);
  const { revision } = updated;
  appendChanges(db, [{ changeType, conversationId, messageId: id, seq, revision }], origin);
  return updated;
}

function toJson(parts: unknown): string | null {
  return parts === undefined || parts === null ? null : JSON.stringify(parts);
}
