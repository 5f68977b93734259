import { appendChanges } from './changeLog.ts';
import type { Database } from './database.ts';

/** The tables with texts from transcripts, what holds them, and which rows are concerned. */
const columnsOf = {
  messages: {
    text: 'content',
    json: 'json(parts)',
    rows: 'conversation_id IN (SELECT conversation_id FROM ingest_sessions)',
  },
  blobs: { text: 'CAST(content AS TEXT)', json: 'NULL', rows: `media_type = 'text/plain' AND content IS NOT NULL` },
  ingest_unknown: { text: 'raw', json: 'NULL', rows: 'raw IS NOT NULL' },
} as const;

export type RescannedTable = keyof typeof columnsOf;

export const rescannedTables = Object.keys(columnsOf) as RescannedTable[];

/** What a row holds of transcripts: text, and for messages the JSON of their parts. */
export interface IngestedText {
  row: number;
  text: string;
  json: string | null;
}

/**
 * After which row a table is still to be looked through for secrets of these rules; undefined when it was. What is
 * stored from now on was looked through before.
 */
export function rescanPosition(db: Database, table: RescannedTable, version: number): number | undefined {
  const stored = db.sql('SELECT value FROM meta WHERE key = ?').pluck().get(`redacted_${table}`);
  const [done, after] = String(stored ?? '0:0')
    .split(':')
    .map(Number);
  if (done === version) return undefined;
  return after ?? 0;
}

/** The next rows of a table after a row; of messages those from transcripts, of blobs those that are text. */
export function ingestedTexts(db: Database, table: RescannedTable, after: number, limit: number): IngestedText[] {
  const { text, json, rows } = columnsOf[table];
  return db
    .sql(
      `SELECT rowid AS row, ${text} AS text, ${json} AS json FROM ${table} WHERE rowid > ? AND ${rows}
       ORDER BY rowid LIMIT ?`,
    )
    .all(after, limit) as IngestedText[];
}

/** Stores changed texts and how far the table was looked through, inside a write transaction. */
export function saveRescan(
  db: Database,
  origin: string,
  table: RescannedTable,
  { version, after, changed }: { version: number; after: number | undefined; changed: IngestedText[] },
): void {
  for (const one of changed) {
    if (table === 'messages') updateMessage(db, origin, one);
    if (table === 'blobs') db.sql('UPDATE blobs SET content = CAST(? AS BLOB) WHERE rowid = ?').run(one.text, one.row);
    if (table === 'ingest_unknown') db.sql('UPDATE ingest_unknown SET raw = ? WHERE rowid = ?').run(one.text, one.row);
  }
  const position = after === undefined ? `${version}:0` : `0:${after}`;
  db.sql('INSERT OR REPLACE INTO meta(key, value) VALUES (?, ?)').run(`redacted_${table}`, position);
}

function updateMessage(db: Database, origin: string, { row, text, json }: IngestedText): void {
  const { messageId, conversationId, seq, revision } = db
    .sql(
      `UPDATE messages SET content = ?, parts = jsonb(?), revision = revision + 1 WHERE row_id = ?
       RETURNING id AS messageId, conversation_id AS conversationId, seq, revision`,
    )
    .get(text, json, row) as { messageId: string; conversationId: string; seq: number; revision: number };
  db.sql('UPDATE ingest_messages SET revision = revision + 1 WHERE message_id = ?').run(messageId);
  db.sql('UPDATE conversations SET revision = revision + 1 WHERE id = ?').run(conversationId);
  appendChanges(db, [{ changeType: 'MessageUpdated', conversationId, messageId, seq, revision }], origin);
}
