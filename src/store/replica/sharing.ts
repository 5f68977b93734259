import { setTimeout as delay } from 'node:timers/promises';
import type { Share } from '../../protocol/hub.ts';
import type { Conversation } from '../../protocol/model.ts';
import { appendChanges, type ChangeEntry } from '../changeLog.ts';
import { getConversation, getLiveConversation } from '../conversations.ts';
import type { Database } from '../database.ts';
import { resetSyncState } from '../syncState.ts';
import { removeUnshared } from './outbox.ts';
import { pendingMessages } from './pending.ts';

/** Messages that one transaction puts into the outbox, and the pause to the next one, in ms. */
const MESSAGES = 2000;
const PAUSE = 8;

/** The oldest version of this program that keeps the outbox: older ones may read a database that shares anything. */
const SHARING_SCHEMA = 4;

/**
 * Who decides on a conversation: `local` as the settings say, `hub` it is shared, `private` the user wants it to be only
 * here, whatever the settings say.
 */
export type Authority = 'local' | 'hub' | 'private';

/** Who decides on a conversation; undefined when there is none with this id. */
export function authorityOf(db: Database, id: string): Authority | undefined {
  return db.sql('SELECT authority FROM conversations WHERE id = ?').pluck().get(id) as Authority | undefined;
}

/**
 * Begins to share a conversation through the hub, with all its messages under their numbers.
 * @param from who has to decide on it until then: nothing is done if it is somebody else by now; by default, whoever it is
 * @throws {DevChatError} `not-found`, `deleted`
 */
export async function shareConversation(
  db: Database,
  origin: string,
  id: string,
  from?: Authority,
): Promise<Conversation> {
  try {
    // The messages first: they count from the moment on at which the conversation is a shared one.
    for (let rowId: number | null = 0; rowId !== null; await delay(PAUSE)) {
      const after: number = rowId;
      rowId = await db.write(() => (isToBeShared(db, id, from) ? queueMessages(db, id, after) : null));
    }
    return await db.write(() => {
      if (!isToBeShared(db, id, from)) {
        removeUnshared(db);
        return getConversation(db, id);
      }
      queueMessages(db, id, 0);
      db.sql(`UPDATE meta SET value = max(CAST(value AS INTEGER), ?) WHERE key = 'min_writer'`).run(SHARING_SCHEMA);
      return setAuthority(db, origin, id, 'hub');
    });
  } catch (error) {
    await db.write(() => removeUnshared(db));
    throw error;
  }
}

/** Whether nobody has shared a conversation yet, nor said meanwhile that it shall not be. */
function isToBeShared(db: Database, id: string, from: Authority | undefined): boolean {
  getLiveConversation(db, id);
  const authority = authorityOf(db, id);
  return authority !== 'hub' && authority === (from ?? authority);
}

/** Puts messages into the outbox that are not in it; returns the row id of the last one, null when there were no more. */
function queueMessages(db: Database, conversationId: string, after: number): number | null {
  const rows = db
    .sql(
      `SELECT row_id, id FROM messages WHERE conversation_id = ? AND row_id > ?
         AND id NOT IN (SELECT id FROM hub_outbox) ORDER BY row_id LIMIT ${MESSAGES}`,
    )
    .all(conversationId, after) as { row_id: number; id: string }[];
  const insert = db.sql(`INSERT INTO hub_outbox(type, id) VALUES ('message', ?)`);
  for (const { id } of rows) insert.run(id);
  return rows.at(-1)?.row_id ?? null;
}

/**
 * Stops sharing a conversation: what is here stays here, what is on the hub stays there.
 * @throws {DevChatError} `not-found`, `deleted`
 */
export function unshareConversation(db: Database, origin: string, id: string): Promise<Conversation> {
  return db.write(() => {
    getConversation(db, id);
    const own = '(SELECT id FROM messages WHERE conversation_id = :id UNION ALL SELECT :id)';
    for (const table of ['hub_outbox', 'hub_entities']) db.sql(`DELETE FROM ${table} WHERE id IN ${own}`).run({ id });
    return setAuthority(db, origin, id, 'private', numberPending(db, id));
  });
}

/** Gives the messages that wait for numbers of the hub their own; returns the entries for the change log. */
function numberPending(db: Database, conversationId: string): ChangeEntry[] {
  const entries = pendingMessages(db, conversationId);
  for (const { messageId } of entries) {
    const seq = db
      .sql('UPDATE conversations SET last_seq = last_seq + 1 WHERE id = ? RETURNING last_seq')
      .pluck()
      .get(conversationId);
    db.sql('UPDATE messages SET seq = ? WHERE id = ?').run(seq, messageId);
  }
  if (entries.length > 0) resetSyncState(db, conversationId);
  return entries;
}

/** @param entries what was done along with it */
function setAuthority(
  db: Database,
  origin: string,
  id: string,
  authority: Authority,
  entries: ChangeEntry[] = [],
): Conversation {
  db.sql('UPDATE conversations SET authority = ?, revision = revision + 1 WHERE id = ?').run(authority, id);
  const conversation = getConversation(db, id);
  const { revision } = conversation;
  appendChanges(db, [...entries, { changeType: 'ConversationUpdated', conversationId: id, revision }], origin);
  return conversation;
}

/** The conversations that are to be shared by the settings and are not yet. */
export function dueForSharing(db: Database, share: Share): string[] {
  if (share === 'none') return [];
  const ids = db.sql(
    `SELECT id FROM conversations WHERE authority = 'local' AND deleted_at IS NULL
       AND (:sources IS NULL OR source IN (SELECT value FROM json_each(:sources)))`,
  );
  return ids.pluck().all({ sources: share === 'all' ? null : JSON.stringify(share.sources) }) as string[];
}

/** The shared conversations, those in the bin included. */
export function sharedConversations(db: Database): string[] {
  return db.sql(`SELECT id FROM conversations WHERE authority = 'hub' AND purged_at IS NULL`).pluck().all() as string[];
}
