import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { DevChatError } from '../protocol/errors.ts';
import type { Conversation } from '../protocol/model.ts';
import { releaseBlobs } from './blobUses.ts';
import { appendChanges, type ChangeEntry } from './changeLog.ts';
import { findConversation, setColumns } from './conversations.ts';
import type { Database } from './database.ts';
import { rewriteSome } from './indexMerging.ts';
import { STATE_TEXTS } from './ingestFiles.ts';

/** How long a conversation stays in the bin, in ms. */
const BIN_PERIOD = 30 * 24 * 3_600_000;

/** How old the beginning of a copy must be until nobody is at it any more, in ms; see `store/branch`. */
const ABANDONED = 3_600_000;

/** Conversations, messages, bytes of messages, and pages of the index that one transaction deals with. */
const CONVERSATIONS = 200;
const MESSAGES = 50;
const BYTES = 1 << 20;
const PAGES = 200;

/** Pause between two transactions, in ms, in which others write. */
const PAUSE = 8;

/** Says in `meta` that texts of purged conversations may be left; each purge sets another value. */
const DUE = 'purge_due';

/** How to write: in one transaction, as the leader or as anybody. */
type Write = <T>(body: () => T) => Promise<T>;

/**
 * Deletes conversations for good, in one transaction: nobody can reach them any more. What they hold is removed by
 * {@link removePurged}.
 * @throws {DevChatError} `not-found`; then none of them is deleted
 */
export function purgeConversations(db: Database, origin: string, ids: readonly string[]): Promise<Conversation[]> {
  return db.write(() => markPurged(db, origin, ids));
}

/**
 * Purges what has been in the bin for 30 days, and finishes what somebody has left unfinished.
 * @param write how to write, such as one that checks a leadership first
 * @param now Unix time in ms
 */
export async function purgeDue(db: Database, origin: string, write: Write, now: number): Promise<void> {
  const due = db.sql(
    `SELECT id FROM conversations WHERE deleted_at < :expired AND purged_at IS NULL
       OR purged_at < :abandoned AND parent_id IS NOT NULL LIMIT ${CONVERSATIONS}`,
  );
  const next = () => due.pluck().all({ expired: now - BIN_PERIOD, abandoned: now - ABANDONED }) as string[];
  while (db.read(next).length > 0) await write(() => markPurged(db, origin, next()));
  await removePurged(db, write);
}

function markPurged(db: Database, origin: string, ids: readonly string[]): Conversation[] {
  const now = Date.now();
  const entries: ChangeEntry[] = [];
  const conversations = ids.map((id) => {
    const before = findConversation(db, id);
    if (!before) throw new DevChatError('not-found', `There is no conversation ${id} in this workspace’s history.`);
    const { deletedAt, purgedAt, parentId, lastSeq } = before;
    if (purgedAt !== null && parentId === null) return before;
    forgetTitle(db, before);
    const purged = setColumns(db, id, {
      ...{ title: '', tags: '[]', pinned_at: null, archived_at: null, parent_id: null, branched_from: null },
      ...{ last_read_seq: lastSeq, deleted_at: deletedAt ?? now, purged_at: now },
    });
    entries.push({ changeType: 'ConversationPurged', conversationId: id, revision: purged.revision });
    return purged;
  });
  appendChanges(db, entries, origin);
  if (entries.length > 0) db.sql('INSERT OR REPLACE INTO meta(key, value) VALUES (?, ?)').run(DUE, randomUUID());
  return conversations;
}

/** Removes what else has the title of a conversation, and where it took place. */
function forgetTitle(db: Database, { id, source, externalId }: Conversation): void {
  db.sql('UPDATE change_log SET new_title = NULL WHERE conversation_id = ? AND new_title IS NOT NULL').run(id);
  db.sql(
    `UPDATE ingest_sessions SET title = '', cwd = NULL, branch = NULL, model = NULL WHERE source = ? AND external_id = ?`,
  ).run(source, externalId);
  db.sql(`UPDATE hub_entities SET body = json_set(body, '$.title', '') WHERE id = ?`).run(id);
  db.sql(
    `UPDATE hub_outbox SET base_body = json_set(base_body, '$.title', ''), sent_body = json_set(sent_body, '$.title', '')
     WHERE id = ?`,
  ).run(id);
}

/** Length from which on the name of a session is in no other path than that of its own transcript. */
const UNIQUE_NAME = 20;

/**
 * Removes what of a conversation’s transcript nobody understood, and what of it is remembered. It is known by the file,
 * which is named after it, or ends with it.
 */
function forgetRecords(db: Database, conversationId: string): void {
  const files = `(SELECT f.id FROM ingest_files f JOIN conversations c USING (source)
    WHERE c.id = ? AND (f.state ->> '$.adapter.session' = c.external_id
      OR length(c.external_id) >= ${UNIQUE_NAME} AND instr(f.path, c.external_id) > 0))`;
  db.sql(`UPDATE ingest_unknown SET raw = NULL WHERE file_id IN ${files}`).run(conversationId);
  db.sql(`UPDATE ingest_quarantine SET beginning = '' WHERE file_id IN ${files}`).run(conversationId);
  db.sql(`UPDATE ingest_files SET state = json_remove(state, '${STATE_TEXTS}') WHERE id IN ${files}`).run(
    conversationId,
  );
}

/**
 * Removes what purged conversations hold, in short transactions: the texts, parts and blobs of their messages, their
 * words in the search index, and what is left of all that in the file. Rows without content stay, so that no transcript
 * is imported again. Backups hold what they held until newer ones replace them, and so do copies of the database that a
 * migration or a recovery has set aside.
 */
export async function removePurged(db: Database, write: Write): Promise<void> {
  const due = db.read(() => db.sql('SELECT value FROM meta WHERE key = ?').pluck().get(DUE));
  if (due === undefined) return;
  for (const conversation of db.read(() => unfinished(db))) await emptyMessages(db, write, conversation);
  for (let pages = -PAGES; await write(() => rewriteSome(db, pages)); pages = PAGES) await delay(PAUSE);
  await write(() => db.sql('DELETE FROM meta WHERE key = ? AND value = ?').run(DUE, due));
  // The log still holds the pages as they were.
  db.checkpoint();
}

/** The purged conversations that have texts left. One that is being copied to is not among them. */
function unfinished(db: Database): string[] {
  const ids = db.sql(
    `SELECT id FROM conversations c WHERE purged_at IS NOT NULL AND parent_id IS NULL
       AND EXISTS (SELECT 1 FROM messages WHERE conversation_id = c.id AND deleted_at IS NULL)`,
  );
  return ids.pluck().all() as string[];
}

/** Makes tombstones of a conversation’s messages. */
async function emptyMessages(db: Database, write: Write, conversationId: string): Promise<void> {
  const all = db.sql('SELECT row_id FROM messages WHERE conversation_id = ?').pluck();
  const rows = db.read(() => all.all(conversationId)) as number[];
  await write(() => forgetRecords(db, conversationId));
  for (let done = 0; done < rows.length; await delay(PAUSE)) {
    const next = rows.slice(done, done + MESSAGES);
    done += await write(() => emptySome(db, next));
  }
}

/** @returns how many of the rows were dealt with: at least one, and no more than are quickly overwritten */
function emptySome(db: Database, rows: readonly number[]): number {
  const now = Date.now();
  const look = db.sql(
    'SELECT id, octet_length(content) + ifnull(octet_length(parts), 0) AS size FROM messages WHERE row_id = ?',
  );
  const empty = db.sql(
    `UPDATE messages SET content = '', parts = NULL, author = NULL, model = NULL, revision = revision + 1,
       updated_at = :now, deleted_at = :now WHERE row_id = :row AND deleted_at IS NULL`,
  );
  let bytes = 0;
  for (const [index, row] of rows.entries()) {
    const { id, size } = look.get(row) as { id: string; size: number };
    bytes += size;
    if (index > 0 && bytes > BYTES) return index;
    empty.run({ row, now });
    for (const table of ['hub_entities', 'hub_outbox']) db.sql(`DELETE FROM ${table} WHERE id = ?`).run(id);
    db.sql('DELETE FROM streams WHERE message_id = ?').run(id);
    releaseBlobs(db, id);
  }
  return rows.length;
}
