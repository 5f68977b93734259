import { v7 as uuid } from 'uuid';
import { DevChatError } from '../protocol/errors.ts';
import type { ChangeType, Message, MessageStatus } from '../protocol/model.ts';
import { MAX_RANGE, type Params } from '../protocol/rpc.ts';
import { releaseBlobs } from './blobUses.ts';
import { appendChanges } from './changeLog.ts';
import { getConversation, getLiveConversation } from './conversations.ts';
import type { Database } from './database.ts';
import { messageColumns, messageLength, toMessage, unnumberedCount, unreadCount } from './rows.ts';
import { countMessage } from './syncState.ts';
import { normaliseContent, normaliseParts, toJson } from './text.ts';

/** A message to store: what a client may ask for, and the status of a text that is still to come. */
export type NewMessage = Omit<Params<'message/add'>, 'status'> & { status?: MessageStatus | undefined };

/** A change of a message; see {@link NewMessage}. */
export type MessageUpdate = Omit<Params<'message/update'>, 'status'> & { status?: MessageStatus | undefined };

/** Text and parts that one range may answer, in UTF-16 code units; the first message always comes, whatever its length. */
const MAX_RANGE_LENGTH = 4_000_000;

/** Appends a message; see {@link insertMessage}. */
export function addMessage(db: Database, origin: string, params: Params<'message/add'>): Promise<Message> {
  return db.write(() => insertMessage(db, origin, params));
}

/**
 * Appends a message under the conversation's next number, inside a write transaction; in a shared conversation, without
 * one until the hub has given it. The id is the idempotency key: a message that has it already is returned as it is.
 * @throws {DevChatError} `not-found`, `deleted`, `too-large`, `conflict` (the id is another conversation's message)
 */
export function insertMessage(db: Database, origin: string, params: NewMessage): Message {
  const { conversationId, id = uuid(), role, author, model, status } = params;
  const content = normaliseContent(params.content);
  const parts = normaliseParts(params.parts);
  const existing = findMessage(db, id);
  if (existing?.conversationId === conversationId) return existing;
  if (existing) throw new DevChatError('conflict', `The message id ${id} is taken by another conversation.`);
  const { isShared = false } = getLiveConversation(db, conversationId);
  const now = Date.now();
  // Who answers what there is has read it.
  const lastRead =
    role === 'user' ? `iif(${unreadCount} = 0, last_seq + ${unnumberedCount} + 1, last_read_seq)` : 'last_read_seq';
  const { number } = db
    .sql(
      `UPDATE conversations SET last_seq = last_seq + :given, last_read_seq = ${lastRead}, revision = revision + 1,
         updated_at = :now WHERE id = :conversationId RETURNING iif(:given, last_seq, NULL) AS number`,
    )
    .get({ given: isShared ? 0 : 1, now, conversationId }) as { number: number | null };
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
        seq: number,
        role,
        author: author ?? null,
        content,
        parts,
        status: status ?? 'complete',
        model: model ?? null,
        now,
      }),
  );
  if (number !== null) countMessage(db, conversationId, number);
  const { seq } = added;
  appendChanges(db, [{ changeType: 'MessageAdded', conversationId, messageId: id, seq, revision: 1 }], origin);
  return added;
}

/** Changes a message; see {@link writeMessage}. */
export function updateMessage(db: Database, origin: string, params: Params<'message/update'>): Promise<Message> {
  return db.write(() => writeMessage(db, origin, params));
}

/**
 * Replaces the text, the parts or the status of a message, inside a write transaction; what is not given stays.
 * @throws {DevChatError} `not-found`, `deleted`, `too-large`, `conflict` (the message has another revision)
 */
export function writeMessage(db: Database, origin: string, params: MessageUpdate): Message {
  const { messageId, revision, status } = params;
  const content = params.content === undefined ? undefined : normaliseContent(params.content);
  const parts = params.parts === undefined ? undefined : normaliseParts(params.parts);
  const before = getLiveMessage(db, messageId);
  if (revision !== undefined && revision !== before.revision) {
    throw new DevChatError(
      'conflict',
      'This message was changed in another window meanwhile. Look at the new text, then save again.',
    );
  }
  const partsBefore = toJson(before.parts);
  const after = {
    content: content ?? before.content,
    parts: parts === undefined ? partsBefore : parts,
    status: status ?? before.status,
  };
  const unchanged = after.content === before.content && after.status === before.status && after.parts === partsBefore;
  return unchanged ? before : change(db, origin, before, 'MessageUpdated', { ...after, deletedAt: null });
}

/**
 * Deletes a message: its text goes, and the blobs that only it needed; its number stays as a tombstone.
 * @throws {DevChatError} `not-found`, `deleted` (the whole conversation is in the bin)
 */
export function deleteMessage(db: Database, origin: string, messageId: string): Promise<Message> {
  return db.write(() => {
    const before = findMessage(db, messageId);
    if (before && before.deletedAt !== null) return before;
    const message = getLiveMessage(db, messageId);
    releaseBlobs(db, messageId);
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
    const messages: Message[] = [];
    let length = 0;
    for (const row of rowsBetween(db, conversationId, fromSeq, toSeq)) {
      length += messageLength(row);
      if (messages.length > 0 && length > MAX_RANGE_LENGTH) break;
      messages.push(toMessage(row));
      if (messages.length === MAX_RANGE) break;
    }
    return { messages, lastSeq };
  });
}

/** The rows with numbers in a range, then those that wait for numbers and have places in it. */
function* rowsBetween(db: Database, conversationId: string, from: number, to: number): Generator<unknown> {
  const select = `SELECT ${messageColumns} FROM messages WHERE conversation_id = ?`;
  yield* db.sql(`${select} AND messages.seq BETWEEN ? AND ? ORDER BY messages.seq`).iterate(conversationId, from, to);
  const numbered = db.sql('SELECT last_seq FROM conversations WHERE id = ?').pluck().get(conversationId) as number;
  if (to <= numbered) return;
  const skipped = Math.max(0, from - numbered - 1);
  yield* db
    .sql(`${select} AND messages.seq IS NULL ORDER BY row_id LIMIT ? OFFSET ?`)
    .iterate(conversationId, to - numbered - skipped, skipped);
}

/** Messages that are worth sending to every window before it asks: at most so many, each at most so long (in characters). */
const FEW = 20;
const SHORT = 20_000;
/** The same of messages that are being written: they change twice a second, and their pieces say more. */
const SHORT_GROWING = 4000;

/** The present rows of the changed messages, if they are few; the long ones are left to be asked for. */
export function fewShortMessages(db: Database, messageIds: Iterable<string | null>): Message[] {
  const ids = [...new Set(messageIds)].filter((id) => id !== null);
  if (ids.length === 0 || ids.length > FEW) return [];
  const find = db.sql(
    `SELECT ${messageColumns} FROM messages
     WHERE id = ? AND length(content) <= iif(status = 'streaming', ${SHORT_GROWING}, ${SHORT})
       AND coalesce(length(parts), 0) <= ${SHORT}`,
  );
  return ids.flatMap((id) => find.get(id) ?? []).map(toMessage);
}

/** The present row of a message, also of a deleted one; undefined when there is none. */
export function findMessage(db: Database, id: string): Message | undefined {
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
