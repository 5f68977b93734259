import Sqlite from 'better-sqlite3';
import { wordOf } from '../text.ts';
import { type Copy, textHash } from './digest.ts';

/** What a database holds in the end. */
export interface State {
  conversations: { id: string; lastSeq: number }[];
  messages: StoredMessage[];
  log: LogEntry[];
  /** Newest change id that was ever given, and the newest one that was pruned. */
  head: number;
  prunedThrough: number;
  /** Ids of the messages that the search index finds by their own word, see {@link wordOf}. */
  indexed: string[];
  /** What SQLite's own checks complain about. */
  problems: string[];
}

/** A message as the database holds it. */
export interface StoredMessage extends Omit<Copy, 'message'> {
  id: string;
  /** The whole text of a message that was streamed; null for others. */
  streamed: string | null;
}

export interface LogEntry {
  id: number;
  txn: number;
  changeType: string;
  conversation: string;
  message: string | null;
  revision: number;
}

/** Reads everything that the checks need in one moment; SQLite mends first what a killed process left. */
export function readState(path: string, streamed: ReadonlySet<string> = new Set()): State {
  const sqlite = new Sqlite(path, { fileMustExist: true, timeout: 5000 });
  try {
    return sqlite.transaction(() => stateOf(sqlite, streamed)).immediate();
  } finally {
    sqlite.close();
  }
}

function stateOf(sqlite: Sqlite.Database, streamed: ReadonlySet<string>): State {
  const rows = sqlite
    .prepare(
      `SELECT id, conversation_id AS conversation, seq, revision, status, deleted_at IS NOT NULL AS isDeleted, content
       FROM messages ORDER BY conversation_id, seq`,
    )
    .all() as (Omit<StoredMessage, 'hash' | 'isDeleted' | 'streamed'> & { isDeleted: number; content: string })[];
  const head = sqlite.prepare(`SELECT seq FROM sqlite_sequence WHERE name = 'change_log'`).pluck().get();
  const prunedThrough = sqlite.prepare(`SELECT value FROM meta WHERE key = 'pruned_through'`).pluck().get();
  const find = sqlite
    .prepare('SELECT id FROM messages WHERE row_id IN (SELECT rowid FROM message_index WHERE message_index MATCH ?)')
    .pluck();
  return {
    conversations: sqlite
      .prepare('SELECT id, last_seq AS lastSeq FROM conversations ORDER BY id')
      .all() as State['conversations'],
    messages: rows.map(({ content, isDeleted, ...row }) => ({
      ...row,
      hash: textHash(content),
      isDeleted: isDeleted === 1,
      streamed: streamed.has(row.id) ? content : null,
    })),
    log: sqlite
      .prepare(
        `SELECT id, txn, change_type AS changeType, conversation_id AS conversation, message_id AS message, revision
         FROM change_log ORDER BY rowid`,
      )
      .all() as LogEntry[],
    head: Number(head ?? 0),
    prunedThrough: Number(prunedThrough ?? 0),
    indexed: rows.flatMap(({ id }) => find.all(wordOf(id)) as string[]),
    problems: complaints(sqlite),
  };
}

function complaints(sqlite: Sqlite.Database): string[] {
  const damage = (sqlite.pragma('integrity_check') as { integrity_check: string }[])
    .map((row) => row.integrity_check)
    .filter((line) => line !== 'ok');
  const orphans = (sqlite.pragma('foreign_key_check') as { table: string }[]).map((row) => `orphan in ${row.table}`);
  try {
    sqlite.prepare(`INSERT INTO message_index(message_index, rank) VALUES ('integrity-check', 1)`).run();
    return [...damage, ...orphans];
  } catch (error) {
    return [...damage, ...orphans, `search index: ${String(error)}`];
  }
}
