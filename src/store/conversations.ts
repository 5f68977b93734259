import { v7 as uuid } from 'uuid';
import { DevChatError } from '../protocol/errors.ts';
import type { ChangeType, Conversation } from '../protocol/model.ts';
import { appendChanges, changeHead } from './changeLog.ts';
import type { Database } from './database.ts';
import { conversationColumns, toConversation } from './rows.ts';
import { normaliseTitle } from './text.ts';

/** All conversations, newest activity first, with the change-log head of the same moment. */
export function listConversations(
  db: Database,
  includeDeleted: boolean,
): { conversations: Conversation[]; lastChangeId: number } {
  return db.read(() => ({
    conversations: db
      .sql(
        `SELECT ${conversationColumns} FROM conversations WHERE deleted_at IS NULL OR ?
         ORDER BY updated_at DESC, id DESC`,
      )
      .all(includeDeleted ? 1 : 0)
      .map(toConversation),
    lastChangeId: changeHead(db),
  }));
}

/**
 * The conversation with this id, deleted or not; for use inside a transaction.
 * @throws {DevChatError} `not-found`
 */
export function getConversation(db: Database, id: string): Conversation {
  const row = db.sql(`SELECT ${conversationColumns} FROM conversations WHERE id = ?`).get(id);
  if (!row) throw new DevChatError('not-found', `There is no conversation ${id} in this workspace’s history.`);
  return toConversation(row);
}

/**
 * The conversation with this id, for use inside a transaction.
 * @throws {DevChatError} `not-found`, or `deleted`: what is in the bin is not changed
 */
export function getLiveConversation(db: Database, id: string): Conversation {
  const conversation = getConversation(db, id);
  if (conversation.deletedAt === null) return conversation;
  throw new DevChatError('deleted', `The conversation “${conversation.title}” was deleted. Restore it first.`);
}

/** Creates a conversation; one that has this id already is returned as it is, so a repeated call is harmless. */
export function createConversation(
  db: Database,
  origin: string,
  { id = uuid(), title = '' }: { id?: string | undefined; title?: string | undefined },
): Promise<Conversation> {
  return db.write(() => {
    const existing = db.sql(`SELECT ${conversationColumns} FROM conversations WHERE id = ?`).get(id);
    if (existing) return toConversation(existing);
    const now = Date.now();
    const newTitle = normaliseTitle(title);
    const created = toConversation(
      db
        .sql(
          `INSERT INTO conversations(id, title, source, created_at, updated_at) VALUES (?, ?, 'chat', ?, ?)
           RETURNING ${conversationColumns}`,
        )
        .get(id, newTitle, now, now),
    );
    appendChanges(db, [{ changeType: 'ConversationCreated', conversationId: id, newTitle, revision: 1 }], origin);
    return created;
  });
}

/** Gives a conversation another title. */
export function renameConversation(db: Database, origin: string, id: string, title: string): Promise<Conversation> {
  const newTitle = normaliseTitle(title);
  return db.write(() => {
    const conversation = getLiveConversation(db, id);
    if (conversation.title === newTitle) return conversation;
    return change(db, origin, id, 'ConversationTitleUpdated', { title: newTitle, updated_at: Date.now() });
  });
}

/** Moves a conversation to the bin: a tombstone that can be restored. */
export function deleteConversation(db: Database, origin: string, id: string): Promise<Conversation> {
  return db.write(() => {
    const conversation = getConversation(db, id);
    if (conversation.deletedAt !== null) return conversation;
    return change(db, origin, id, 'ConversationDeleted', { deleted_at: Date.now() });
  });
}

/** Takes a conversation out of the bin. */
export function restoreConversation(db: Database, origin: string, id: string): Promise<Conversation> {
  return db.write(() => {
    const conversation = getConversation(db, id);
    if (conversation.deletedAt === null) return conversation;
    return change(db, origin, id, 'ConversationRestored', { deleted_at: null });
  });
}

/** Records that the user has read up to a message, by default all; it never falls. */
export function markRead(db: Database, origin: string, id: string, seq?: number): Promise<Conversation> {
  return db.write(() => {
    const conversation = getLiveConversation(db, id);
    const read = Math.min(seq ?? conversation.lastSeq, conversation.lastSeq);
    if (read <= conversation.lastReadSeq) return conversation;
    return change(db, origin, id, 'ConversationRead', { last_read_seq: read });
  });
}

/** Sets columns of one conversation, raises its revision and logs the change, inside a write transaction. */
function change(
  db: Database,
  origin: string,
  id: string,
  changeType: ChangeType,
  columns: Partial<Record<'title' | 'updated_at' | 'deleted_at' | 'last_read_seq', string | number | null>>,
): Conversation {
  const assignments = Object.keys(columns).map((column) => `${column} = :${column}`);
  const updated = toConversation(
    db
      .sql(
        `UPDATE conversations SET ${assignments.join(', ')}, revision = revision + 1 WHERE id = :id
         RETURNING ${conversationColumns}`,
      )
      .get({ ...columns, id }),
  );
  const newTitle = changeType === 'ConversationTitleUpdated' ? { newTitle: updated.title } : {};
  const { revision } = updated;
  appendChanges(db, [{ changeType, conversationId: id, revision, ...newTitle }], origin);
  return updated;
}
