import type { Usage } from '../protocol/ingest.ts';
import type { MessageStatus, Role } from '../protocol/model.ts';
import { recordBlobUses } from './blobUses.ts';
import type { Database } from './database.ts';
import { placeOf, unreadCount } from './rows.ts';
import { countMessage } from './syncState.ts';

/** A message from a transcript as it is stored, with what tells whether a record adds to it. */
export interface IngestedMessage {
  key: string;
  id: string;
  conversationId: string;
  seq: number;
  role: Role;
  author: string | null;
  model: string | null;
  status: MessageStatus;
  content: string;
  /** JSON text; null when the content is all there is. */
  parts: string | null;
  /** Hashes of the records that made it, separated by blanks. */
  pieces: string;
  revision: number;
  createdAt: number;
  updatedAt: number;
  /** Deleted, or changed by a user: records change it no more. */
  isFinal: boolean;
}

/** A conversation of an agent; it gets a row with its first message, but may have a title before. */
export interface IngestedSession {
  conversationId: string | null;
  title: string;
  titleRank: number;
  lastSeq: number;
  cwd: string | null;
  branch: string | null;
  model: string | null;
  /** Deleted for good: nothing is added to it any more. */
  isPurged: boolean;
}

/** The messages that have these keys, in one query: one by one, looking for what is not there takes longer than storing it. */
export function findIngestedMessages(db: Database, keys: readonly string[]): IngestedMessage[] {
  const rows = db
    .sql(
      `SELECT i.key, m.id, m.conversation_id AS conversationId, ${placeOf('m')} AS seq, m.role, m.author, m.model, m.status, m.content,
         json(m.parts) AS parts, i.pieces, m.revision, m.created_at AS createdAt, m.updated_at AS updatedAt,
         m.deleted_at IS NOT NULL OR m.revision <> i.revision AS isFinal
       FROM ingest_messages i JOIN messages m ON m.id = i.message_id
       WHERE i.key IN (SELECT value FROM json_each(?))`,
    )
    .all(JSON.stringify(keys)) as (Omit<IngestedMessage, 'isFinal'> & { isFinal: number })[];
  return rows.map((row) => ({ ...row, isFinal: row.isFinal === 1 }));
}

/**
 * Takes messages for those of keys because their ids were made from them: what was known of transcripts may be lost when
 * a database has to be salvaged, its messages are not.
 * @returns the keys of these messages
 */
export function adoptMessages(db: Database, ids: ReadonlyMap<string, string>): string[] {
  const present = db
    .sql('SELECT id, revision FROM messages WHERE id IN (SELECT value FROM json_each(?))')
    .all(JSON.stringify([...ids.keys()])) as { id: string; revision: number }[];
  return present.map(({ id, revision }) => {
    const key = ids.get(id) ?? '';
    db.sql(`INSERT INTO ingest_messages(key, message_id, pieces, revision) VALUES (?, ?, '', ?)`).run(
      key,
      id,
      revision,
    );
    return key;
  });
}

/**
 * Adds messages with the numbers that their conversations have handed out, inside a write transaction. They are collected
 * in a table of this connection first: each statement that adds to the search index makes a segment of it, and merging
 * many small ones would take longer than all the rest.
 */
export function insertIngestedMessages(db: Database, messages: readonly IngestedMessage[]): void {
  db.sql(
    `CREATE TEMP TABLE IF NOT EXISTS added_messages(id TEXT, conversation_id TEXT, seq INTEGER, role TEXT,
       author TEXT, content TEXT, parts TEXT, status TEXT, model TEXT, revision INTEGER, created_at INTEGER, updated_at INTEGER)`,
  ).run();
  const add = db.sql('INSERT INTO temp.added_messages VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');
  for (const message of messages) {
    const { id, conversationId, seq, role, author, content, parts, status, model, revision } = message;
    const { createdAt, updatedAt } = message;
    // Bound by position, which is quicker than by name.
    add.run(id, conversationId, seq, role, author, content, parts, status, model, revision, createdAt, updatedAt);
  }
  db.sql(
    `INSERT INTO messages(id, conversation_id, seq, role, author, content, parts, status, model, revision, created_at,
       updated_at)
     SELECT id, conversation_id, seq, role, author, content, jsonb(parts), status, model, revision, created_at, updated_at
     FROM temp.added_messages ORDER BY rowid`,
  ).run();
  db.sql('DELETE FROM temp.added_messages').run();
  const know = db.sql('INSERT INTO ingest_messages(key, message_id, pieces, revision) VALUES (?, ?, ?, ?)');
  for (const message of messages) {
    know.run(message.key, message.id, message.pieces, message.revision);
    recordBlobUses(db, message);
  }
  countMessages(db, messages);
}

/** Counts messages that follow the newest ones of their conversations. */
function countMessages(db: Database, messages: readonly IngestedMessage[]): void {
  const counts = new Map<string, { last: number; count: number }>();
  for (const { conversationId, seq } of messages) {
    counts.set(conversationId, { last: seq, count: (counts.get(conversationId)?.count ?? 0) + 1 });
  }
  for (const [conversationId, { last, count }] of counts) countMessage(db, conversationId, last, count);
}

/** Stores what records have added to a message, inside a write transaction. */
export function updateIngestedMessage(db: Database, message: IngestedMessage): void {
  const { id, content, parts, status, model, revision, updatedAt } = message;
  db.sql(
    `UPDATE messages SET content = :content, parts = jsonb(:parts), status = :status, model = :model,
       revision = :revision, updated_at = :updatedAt
     WHERE id = :id`,
  ).run({ id, content, parts, status, model, revision, updatedAt });
  db.sql('UPDATE ingest_messages SET pieces = ?, revision = ? WHERE key = ?').run(
    message.pieces,
    revision,
    message.key,
  );
  recordBlobUses(db, message);
}

/** Remembers which records have told of a message that they do not change any more. */
export function updatePieces(db: Database, { key, pieces }: IngestedMessage): void {
  db.sql('UPDATE ingest_messages SET pieces = ? WHERE key = ?').run(pieces, key);
}

/** A session, also when only its conversation is left of it. */
export function findSession(db: Database, source: string, externalId: string): IngestedSession | undefined {
  const row = db
    .sql(
      `SELECT s.conversation_id AS conversationId, s.title, s.title_rank AS titleRank, coalesce(c.last_seq, 0) AS lastSeq,
         s.cwd, s.branch, s.model, c.purged_at IS NOT NULL AS isPurged
         FROM ingest_sessions s LEFT JOIN conversations c ON c.id = s.conversation_id
         WHERE s.source = :source AND s.external_id = :externalId
       UNION ALL
       SELECT id, title, 1, last_seq, NULL, NULL, NULL, purged_at IS NOT NULL FROM conversations
         WHERE source = :source AND external_id = :externalId
       LIMIT 1`,
    )
    .get({ source, externalId }) as (Omit<IngestedSession, 'isPurged'> & { isPurged: number }) | undefined;
  return row && { ...row, isPurged: row.isPurged === 1 };
}

export function saveSession(db: Database, source: string, externalId: string, session: IngestedSession): void {
  const { conversationId, title, titleRank, cwd, branch, model } = session;
  db.sql(
    `INSERT INTO ingest_sessions(source, external_id, conversation_id, title, title_rank, cwd, branch, model)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET conversation_id = excluded.conversation_id, title = excluded.title,
       title_rank = excluded.title_rank, cwd = excluded.cwd, branch = excluded.branch, model = excluded.model`,
  ).run(source, externalId, conversationId, title, titleRank, cwd, branch, model);
}

/** Adds the conversation of an agent's session, inside a write transaction. */
export function insertIngestedConversation(
  db: Database,
  row: { id: string; title: string; source: string; externalId: string; createdAt: number },
): void {
  db.sql(
    `INSERT INTO conversations(id, title, source, external_id, created_at, updated_at)
     VALUES (:id, :title, :source, :externalId, :createdAt, :createdAt)`,
  ).run(row);
}

/**
 * Brings a conversation up to date with what is added to it or changed in it, inside a write transaction, and hands out
 * numbers up to `lastSeq`. Its title changes as long as it is the one that was last taken from the transcript. What an
 * agent had written before anybody looked counts as read, if all before it was; what it writes now does not.
 * @param row `isLive`: whether the transcript had been read to its end before
 * @returns the revision, and whether the title was changed
 */
export function touchConversation(
  db: Database,
  row: { id: string; lastSeq: number; updatedAt: number; title: string; titleBefore: string; isLive?: boolean },
): { revision: number; isRetitled: boolean } {
  const before = db.sql('SELECT title FROM conversations WHERE id = ?').pluck().get(row.id);
  const isRetitled = before === row.titleBefore && before !== row.title;
  const { revision } = db
    .sql(
      `UPDATE conversations SET title = :title, revision = revision + 1, updated_at = max(updated_at, :updatedAt),
         last_read_seq = iif(:isLive = 0 AND ${unreadCount} = 0, :lastSeq, last_read_seq), last_seq = :lastSeq
       WHERE id = :id RETURNING revision`,
    )
    .get({ ...row, title: isRetitled ? row.title : before, isLive: row.isLive ? 1 : 0 }) as { revision: number };
  return { revision, isRetitled };
}

/**
 * Records that something of a conversation was changed, but nothing was added to it, inside a write transaction.
 * @returns the revision
 */
export function raiseRevision(db: Database, id: string, updatedAt: number): number {
  const touch = db.sql(
    'UPDATE conversations SET revision = revision + 1, updated_at = max(updated_at, ?) WHERE id = ? RETURNING revision',
  );
  return touch.pluck().get(updatedAt, id) as number;
}

/**
 * Records that a message of another conversation, after number `afterSeq`, is part of this one too.
 * @returns whether that is new
 */
export function addMembership(db: Database, conversationId: string, messageId: string, afterSeq: number): boolean {
  const insert = db.sql('INSERT OR IGNORE INTO memberships(conversation_id, message_id, after_seq) VALUES (?, ?, ?)');
  return insert.run(conversationId, messageId, afterSeq).changes > 0;
}

/** One request's tokens; as it is stored. */
export interface UsageRow extends Usage {
  key: string;
  conversationId: string;
  messageId: string | null;
  model: string | null;
  createdAt: number;
}

export function findUsage(db: Database, keys: readonly string[]): UsageRow[] {
  return db
    .sql(
      `SELECT key, conversation_id AS conversationId, message_id AS messageId, model, input_tokens AS input,
         output_tokens AS output, cache_read_tokens AS cacheRead, cache_write_tokens AS cacheWrite,
         reasoning_tokens AS reasoning, created_at AS createdAt
       FROM usage WHERE key IN (SELECT value FROM json_each(?))`,
    )
    .all(JSON.stringify(keys)) as UsageRow[];
}

/** The sums of the tokens in rows of `usage`, under the names of {@link Usage}. */
export const usageSums = `coalesce(sum(input_tokens), 0) AS input, coalesce(sum(output_tokens), 0) AS output,
  coalesce(sum(cache_read_tokens), 0) AS cacheRead, coalesce(sum(cache_write_tokens), 0) AS cacheWrite,
  coalesce(sum(reasoning_tokens), 0) AS reasoning`;

/** The sum of all requests' tokens in a conversation. */
export function conversationUsage(db: Database, conversationId: string): Usage {
  return db.sql(`SELECT ${usageSums} FROM usage WHERE conversation_id = ?`).get(conversationId) as Usage;
}

/** Stores one request's tokens, inside a write transaction. */
export function saveUsage(db: Database, row: UsageRow): void {
  const { key, conversationId, messageId, model, createdAt } = row;
  // OR REPLACE would have to be able to undo itself, which takes longer than the rest.
  db.sql(
    `INSERT INTO usage(key, conversation_id, message_id, model, input_tokens, output_tokens, cache_read_tokens,
       cache_write_tokens, reasoning_tokens, created_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET input_tokens = excluded.input_tokens, output_tokens = excluded.output_tokens,
       cache_read_tokens = excluded.cache_read_tokens, cache_write_tokens = excluded.cache_write_tokens,
       reasoning_tokens = excluded.reasoning_tokens`,
  ).run(
    key,
    conversationId,
    messageId,
    model,
    row.input,
    row.output,
    row.cacheRead,
    row.cacheWrite,
    row.reasoning,
    createdAt,
  );
}

/**
 * Keeps bytes that a message needs by their hash, as long as all of them stay within a budget; what they were is kept in
 * any case.
 */
export function saveBlob(
  db: Database,
  blob: { hash: string; mediaType: string; bytes: Uint8Array },
  budget: number,
): void {
  if (db.sql('SELECT 1 FROM blobs WHERE hash = ?').get(blob.hash)) return;
  if (!db.sql('SELECT 1 FROM blob_uses WHERE hash = ?').get(blob.hash)) return;
  const used = Number(db.sql('SELECT coalesce(sum(size), 0) FROM blobs WHERE content IS NOT NULL').pluck().get());
  const size = blob.bytes.length;
  const content = used + size <= budget ? blob.bytes : null;
  db.sql('INSERT INTO blobs(hash, media_type, size, content) VALUES (?, ?, ?, ?)').run(
    blob.hash,
    blob.mediaType,
    size,
    content,
  );
}
