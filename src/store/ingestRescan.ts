import { appendChanges } from './changeLog.ts';
import type { Database } from './database.ts';
import { STATE_TEXTS } from './ingestFiles.ts';
import { placeOf } from './rows.ts';

/** What a row holds of transcripts: text, and JSON with texts in it. */
export interface IngestedText {
  row: number;
  text: string;
  json: string | null;
}

/** A table with texts from transcripts: which rows are concerned, what numbers and what holds them, and how one is changed. */
interface Table {
  rows: string;
  row: string;
  text: string;
  json?: string;
  save(db: Database, changed: IngestedText, origin: string): void;
}

const ofAgents = 'conversation_id IN (SELECT conversation_id FROM ingest_sessions)';

/** How a table without numbers of its own is numbered; rows that come meanwhile have no secrets, and only raise numbers. */
const numbered = (key: string) => ({
  row: `row_number() OVER (ORDER BY ${key})`,
  of: (table: string) => `(${key}) = (SELECT ${key} FROM ${table} ORDER BY ${key} LIMIT 1 OFFSET :row - 1)`,
});
const [byName, byPosition] = [numbered('source, external_id'), numbered('file_id, position')];

const tables = {
  messages: { rows: ofAgents, row: 'row_id', text: 'content', json: 'json(parts)', save: updateMessage },
  blobs: {
    rows: `media_type = 'text/plain' AND content IS NOT NULL`,
    row: 'rowid',
    text: 'CAST(content AS TEXT)',
    save: saveBy('UPDATE blobs SET content = CAST(:text AS BLOB) WHERE rowid = :row'),
  },
  conversations: { rows: 'external_id IS NOT NULL', row: 'rowid', text: 'title', save: updateTitle },
  change_log: {
    rows: `new_title IS NOT NULL AND ${ofAgents}`,
    row: 'id',
    text: 'new_title',
    save: saveBy('UPDATE change_log SET new_title = :text WHERE id = :row'),
  },
  ingest_sessions: {
    rows: 'true',
    row: byName.row,
    text: 'title',
    save: saveBy(`UPDATE ingest_sessions SET title = :text WHERE ${byName.of('ingest_sessions')}`),
  },
  ingest_files: {
    rows: 'true',
    row: 'id',
    text: `''`,
    json: `state -> '${STATE_TEXTS}'`,
    save: saveBy(`UPDATE ingest_files SET state = json_set(state, '${STATE_TEXTS}', json(:json)) WHERE id = :row`),
  },
  ingest_quarantine: {
    rows: 'true',
    row: byPosition.row,
    text: 'beginning',
    save: saveBy(`UPDATE ingest_quarantine SET beginning = :text WHERE ${byPosition.of('ingest_quarantine')}`),
  },
  ingest_unknown: {
    rows: 'raw IS NOT NULL',
    row: 'rowid',
    text: 'raw',
    save: saveBy('UPDATE ingest_unknown SET raw = :text WHERE rowid = :row'),
  },
} satisfies Record<string, Table>;

export type RescannedTable = keyof typeof tables;

export const rescannedTables = Object.keys(tables) as RescannedTable[];

/**
 * After which row a table is still to be looked through for secrets of these rules; undefined when it was. What is
 * stored from now on was looked through before, or tells by {@link requireRescan} that it was not.
 */
export function rescanPosition(db: Database, table: RescannedTable, version: number): number | undefined {
  const stored = db.sql('SELECT value FROM meta WHERE key = ?').pluck().get(`redacted_${table}`);
  const [done, after] = String(stored ?? '0:0')
    .split(':')
    .map(Number);
  if (done === version) return undefined;
  return after ?? 0;
}

/** Has all tables looked through again, inside the transaction that stores texts in which secrets were left. */
export function requireRescan(db: Database): void {
  db.sql(`DELETE FROM meta WHERE key GLOB 'redacted_*'`).run();
}

/** The next rows of a table that hold texts from transcripts, after a row. */
export function ingestedTexts(db: Database, table: RescannedTable, after: number, limit: number): IngestedText[] {
  const { rows, row, text, json = 'NULL' }: Table = tables[table];
  return db
    .sql(
      `SELECT * FROM (SELECT ${row} AS row, ${text} AS text, ${json} AS json FROM ${table} WHERE ${rows})
       WHERE row > ? ORDER BY row LIMIT ?`,
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
  for (const one of changed) tables[table].save(db, one, origin);
  const position = after === undefined ? `${version}:0` : `0:${after}`;
  db.sql('INSERT OR REPLACE INTO meta(key, value) VALUES (?, ?)').run(`redacted_${table}`, position);
}

/** Saves what was changed by a statement that needs nothing else. */
function saveBy(sql: string): Table['save'] {
  return (db, changed) => {
    db.sql(sql).run(changed);
  };
}

function updateMessage(db: Database, { row, text, json }: IngestedText, origin: string): void {
  const { messageId, conversationId, seq, revision } = db
    .sql(
      `UPDATE messages SET content = ?, parts = jsonb(?), revision = revision + 1 WHERE row_id = ?
       RETURNING id AS messageId, conversation_id AS conversationId, ${placeOf('messages')} AS seq, revision`,
    )
    .get(text, json, row) as { messageId: string; conversationId: string; seq: number; revision: number };
  db.sql('UPDATE ingest_messages SET revision = revision + 1 WHERE message_id = ?').run(messageId);
  db.sql('UPDATE conversations SET revision = revision + 1 WHERE id = ?').run(conversationId);
  appendChanges(db, [{ changeType: 'MessageUpdated', conversationId, messageId, seq, revision }], origin);
}

function updateTitle(db: Database, changed: IngestedText, origin: string): void {
  const { conversationId, newTitle, revision } = db
    .sql(
      `UPDATE conversations SET title = :text, revision = revision + 1 WHERE rowid = :row
       RETURNING id AS conversationId, title AS newTitle, revision`,
    )
    .get(changed) as { conversationId: string; newTitle: string; revision: number };
  appendChanges(db, [{ changeType: 'ConversationTitleUpdated', conversationId, newTitle, revision }], origin);
}
