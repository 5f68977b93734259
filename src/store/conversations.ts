import { v7 as uuid } from 'uuid';
import { DevChatError } from '../protocol/errors.ts';
import type { ChangeType, Conversation } from '../protocol/model.ts';
import type { Params } from '../protocol/rpc.ts';
import { appendChanges, type ChangeEntry, changeHead } from './changeLog.ts';
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
        `SELECT ${conversationColumns} FROM conversations WHERE purged_at IS NULL AND (deleted_at IS NULL OR ?)
         ORDER BY updated_at DESC, id DESC`,
      )
      .all(includeDeleted ? 1 : 0)
      .map(toConversation),
    lastChangeId: changeHead(db),
  }));
}

/** The conversation with this id, purged or not; for use inside a transaction. */
export function findConversation(db: Database, id: string): Conversation | undefined {
  const row = db.sql(`SELECT ${conversationColumns} FROM conversations WHERE id = ?`).get(id);
  return row === undefined ? undefined : toConversation(row);
}

/**
 * The conversation with this id, in the bin or not; for use inside a transaction.
 * @throws {DevChatError} `not-found`, or `deleted`: it was deleted for good
 */
export function getConversation(db: Database, id: string): Conversation {
  const conversation = findConversation(db, id);
  if (!conversation) throw new DevChatError('not-found', `There is no conversation ${id} in this workspace’s history.`);
  if (conversation.purgedAt === null) return conversation;
  throw new DevChatError('deleted', 'This conversation was deleted permanently and cannot be restored.');
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

/**
 * Creates a conversation; one that has this id already is returned as it is, so a repeated call is harmless.
 * @throws {DevChatError} `deleted`: it had this id and was deleted for good
 */
export function createConversation(
  db: Database,
  origin: string,
  { id = uuid(), title = '' }: { id?: string | undefined; title?: string | undefined },
): Promise<Conversation> {
  return db.write(() => {
    if (findConversation(db, id)) return getConversation(db, id);
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
    return change(db, origin, 'ConversationTitleUpdated', conversation, { title: newTitle, updated_at: Date.now() });
  });
}

/** Pins, archives and tags a conversation, or the opposite; what is not given stays. It is no activity in it. */
export function updateConversation(
  db: Database,
  origin: string,
  { conversationId, pinned, archived, tags }: Params<'conversation/update'>,
): Promise<Conversation> {
  return db.write(() => {
    const conversation = getLiveConversation(db, conversationId);
    const { pinnedAt, archivedAt } = conversation;
    const before = { pinned_at: pinnedAt, archived_at: archivedAt, tags: JSON.stringify(conversation.tags) };
    const after = {
      pinned_at: since(pinnedAt, pinned),
      archived_at: since(archivedAt, archived),
      tags: tags === undefined ? before.tags : JSON.stringify(tags),
    };
    const columns = ['pinned_at', 'archived_at', 'tags'] as const;
    if (columns.every((column) => after[column] === before[column])) return conversation;
    return change(db, origin, 'ConversationUpdated', conversation, after);
  });
}

/** Since when something holds, when from now on it shall hold or not. */
function since(before: number | null, holds: boolean | undefined): number | null {
  if (holds === undefined) return before;
  return holds ? (before ?? Date.now()) : null;
}

/** Moves a conversation to the bin: a tombstone that can be restored. */
export async function deleteConversation(db: Database, origin: string, id: string): Promise<Conversation> {
  const [deleted] = await deleteConversations(db, origin, [id]);
  return deleted as Conversation;
}

/** Takes a conversation out of the bin. */
export async function restoreConversation(db: Database, origin: string, id: string): Promise<Conversation> {
  const [restored] = await restoreConversations(db, origin, [id]);
  return restored as Conversation;
}

/** Moves conversations to the bin in one transaction; those that are there stay as they are. */
export function deleteConversations(db: Database, origin: string, ids: readonly string[]): Promise<Conversation[]> {
  return move(db, origin, ids, { changeType: 'ConversationDeleted', deletedAt: Date.now() });
}

/** Takes conversations out of the bin in one transaction; those that are not there stay as they are. */
export function restoreConversations(db: Database, origin: string, ids: readonly string[]): Promise<Conversation[]> {
  return move(db, origin, ids, { changeType: 'ConversationRestored', deletedAt: null });
}

function move(
  db: Database,
  origin: string,
  ids: readonly string[],
  { changeType, deletedAt }: { changeType: ChangeType; deletedAt: number | null },
): Promise<Conversation[]> {
  return db.write(() => {
    const entries: ChangeEntry[] = [];
    const conversations = ids.map((id) => {
      const conversation = getConversation(db, id);
      if ((conversation.deletedAt === null) === (deletedAt === null)) return conversation;
      const moved = setColumns(db, id, { deleted_at: deletedAt });
      entries.push({ changeType, conversationId: id, revision: moved.revision });
      return moved;
    });
    appendChanges(db, entries, origin);
    return conversations;
  });
}

/** Records that the user has read up to a message, by default all; it never falls. */
export function markRead(db: Database, origin: string, id: string, seq?: number): Promise<Conversation> {
  return db.write(() => {
    const conversation = getLiveConversation(db, id);
    const read = Math.min(seq ?? conversation.lastSeq, conversation.lastSeq);
    if (read <= conversation.lastReadSeq) return conversation;
    return change(db, origin, 'ConversationRead', conversation, { last_read_seq: read });
  });
}

type Columns = Partial<
  Record<
    | 'title'
    | 'updated_at'
    | 'deleted_at'
    | 'last_read_seq'
    | 'pinned_at'
    | 'archived_at'
    | 'tags'
    | 'parent_id'
    | 'branched_from'
    | 'purged_at',
    string | number | null
  >
>;

/** Sets columns of one conversation and logs the change, inside a write transaction. */
function change(
  db: Database,
  origin: string,
  changeType: ChangeType,
  { id }: Conversation,
  columns: Columns,
): Conversation {
  const updated = setColumns(db, id, columns);
  const newTitle = changeType === 'ConversationTitleUpdated' ? { newTitle: updated.title } : {};
  appendChanges(db, [{ changeType, conversationId: id, revision: updated.revision, ...newTitle }], origin);
  return updated;
}

/** Sets columns of one conversation and raises its revision, inside a write transaction; the caller logs the change. */
export function setColumns(db: Database, id: string, columns: Columns): Conversation {
  const assignments = Object.keys(columns).map((column) => `${column} = :${column}`);
  const update = db.sql(
    `UPDATE conversations SET ${assignments.join(', ')}, revision = revision + 1 WHERE id = :id
     RETURNING ${conversationColumns}`,
  );
  return toConversation(update.get({ ...columns, id }));
}
