import type { ImportResult, IngestCounts, IngestLogEntry, IngestReport, Source, Usage } from '../protocol/ingest.ts';
import type { Database } from './database.ts';
import { usageSums } from './ingestMessages.ts';

/** How far a transcript was read, and what tells that it is still the same file. Positions count bytes. */
export interface IngestFile {
  path: string;
  source: Source;
  device: string;
  inode: string;
  size: number;
  /** Unix ms of the last change, as of when all of it had been read; 0 while there is more to read. */
  modifiedAt: number;
  /** Where the next record begins. */
  position: number;
  /** Hash of the last bytes before the position. */
  tail: string;
  /** JSON of what ingestion remembers of the file between two looks at it. */
  state: string;
}

const fileColumns = 'path, source, device, inode, size, modified_at AS modifiedAt, position, tail, state';

/** Entries that the log of ingestion keeps. */
const LOG_ENTRIES = 1000;

/** Pages that the write-ahead log may have before it is written back, usually and while a lot is stored. */
const USUAL_CHECKPOINT = 1000;
const BULK_CHECKPOINT = 12_000;

/** Memory for pages of the database, usually and while a lot is stored, in KiB. */
const USUAL_CACHE = 2000;
const BULK_CACHE = 16_000;

/** Unknown records of one kind that are kept as they are; of more, only that they were there. */
const RAW_PER_KIND = 1000;

/** Rows of quarantine that a report names. */
const MAX_REPORTED = 1000;

/** Transactions that a report names. */
const REPORTED_TRANSACTIONS = 50;

type StoredReport = Omit<IngestReport, 'files'> & { files: Omit<IngestReport['files'][number], 'isDeleted'>[] };

/** Has the log written back less often, and pages that are written again and again kept in memory. */
export function prepareForBulk(db: Database, isBulk: boolean): void {
  db.sql(`PRAGMA wal_autocheckpoint = ${isBulk ? BULK_CHECKPOINT : USUAL_CHECKPOINT}`).all();
  db.sql(`PRAGMA cache_size = -${isBulk ? BULK_CACHE : USUAL_CACHE}`).run();
}

/** Whether other instances may be waiting to write. */
export function hasSiblings(db: Database): boolean {
  return Number(db.sql('SELECT count(*) FROM peers').pluck().get()) > 1;
}

export function listIngestFiles(db: Database): IngestFile[] {
  return db.read(() => db.sql(`SELECT ${fileColumns} FROM ingest_files`).all()) as IngestFile[];
}

export function findIngestFile(db: Database, path: string): IngestFile | undefined {
  return db.sql(`SELECT ${fileColumns} FROM ingest_files WHERE path = ?`).get(path) as IngestFile | undefined;
}

/** Where in the state the texts of the conversation are that the adapter remembers. */
export const STATE_TEXTS = '$.adapter.texts';

/**
 * Writes how far a file was read, inside the transaction that stores what was read; without texts of a conversation that
 * was deleted for good.
 * @returns the file's id
 */
export function saveIngestFile(db: Database, file: IngestFile): number {
  return Number(
    db
      .sql(
        `INSERT INTO ingest_files(path, source, device, inode, size, modified_at, position, tail, state)
         VALUES (:path, :source, :device, :inode, :size, :modifiedAt, :position, :tail,
           iif(EXISTS (SELECT 1 FROM conversations WHERE source = :source AND purged_at IS NOT NULL
             AND external_id = :state ->> '$.adapter.session'), json_remove(:state, '${STATE_TEXTS}'), :state))
         ON CONFLICT(path) DO UPDATE SET source = excluded.source, device = excluded.device, inode = excluded.inode,
           size = excluded.size, modified_at = excluded.modified_at, position = excluded.position, tail = excluded.tail,
           state = excluded.state
         RETURNING id`,
      )
      .pluck()
      .get(file),
  );
}

/** Gives a file that was moved its new path, with all that is known of it. */
export function moveIngestFile(db: Database, before: string, path: string): void {
  db.sql('UPDATE OR IGNORE ingest_files SET path = ? WHERE path = ?').run(path, before);
}

/** Adds to what became of a file's records. */
export function countRecords(db: Database, fileId: number, counts: IngestCounts): void {
  db.sql(
    `UPDATE ingest_files SET found = found + :found, stored = stored + :stored, duplicates = duplicates + :duplicates,
       quarantined = quarantined + :quarantined, bookkeeping = bookkeeping + :bookkeeping,
       conflicts = conflicts + :conflicts, redacted = redacted + :redacted
     WHERE id = :fileId`,
  ).run({ ...counts, fileId });
}

export function saveQuarantined(
  db: Database,
  fileId: number,
  row: { position: number; reason: string; size: number; beginning: string },
): void {
  db.sql(
    `INSERT OR REPLACE INTO ingest_quarantine(file_id, position, reason, size, beginning)
     VALUES (:fileId, :position, :reason, :size, :beginning)`,
  ).run({ ...row, fileId });
}

/** Keeps a record that nobody understands. @returns whether it was not there before */
export function saveUnknown(
  db: Database,
  fileId: number,
  row: { key: string; position: number; kind: string; raw: string },
): boolean {
  return (
    db
      .sql(
        `INSERT OR IGNORE INTO ingest_unknown(key, file_id, position, kind, raw)
         VALUES (:key, :fileId, :position, :kind,
           iif((SELECT count(*) FROM ingest_unknown WHERE kind = :kind) < ${RAW_PER_KIND}, :raw, NULL))`,
      )
      .run({ ...row, fileId }).changes > 0
  );
}

/** Logs one transaction of ingestion, with the file's name only. */
export function logIngest(
  db: Database,
  entry: { file: string; from: number; to: number; durationMs: number } & IngestCounts,
): void {
  const { file, from, to, found, stored, duplicates, quarantined, durationMs } = entry;
  const { lastInsertRowid } = db
    .sql(
      `INSERT INTO ingest_log(file, from_position, to_position, found, stored, duplicates, quarantined, duration_ms,
         created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    .run(file, from, to, found, stored, duplicates, quarantined, durationMs, Date.now());
  db.sql('DELETE FROM ingest_log WHERE id <= ?').run(Number(lastInsertRowid) - LOG_ENTRIES);
}

const counted = ['found', 'stored', 'duplicates', 'quarantined', 'bookkeeping', 'conflicts', 'redacted'] as const;
const sums = counted.map((column) => `coalesce(sum(${column}), 0) AS ${column}`).join(', ');

/** The sums over all files, and how many unknown records are kept. */
export function ingestTotals(db: Database): { total: IngestCounts; unknown: number } {
  return db.read(() => ({
    total: db.sql(`SELECT ${sums} FROM ingest_files`).get() as IngestCounts,
    unknown: Number(db.sql('SELECT count(*) FROM ingest_unknown').pluck().get()),
  }));
}

/** What became of the records of some files, as far as the files belong to the workspace. */
export function ingestCounts(db: Database, paths: readonly string[]): ImportResult {
  return db
    .sql(
      `SELECT count(*) AS files, ${sums} FROM ingest_files
       WHERE path IN (SELECT value FROM json_each(?)) AND state ->> '$.place' = 'ours'`,
    )
    .get(JSON.stringify(paths)) as ImportResult;
}

/** What became of everything that was ever read, of one moment; whether the files are still there is not looked at. */
export function ingestReport(db: Database): StoredReport {
  return db.read(() => {
    const files = db
      .sql(
        `SELECT path, source, ${counted.join(', ')}, modified_at <> 0 AND position = size AS isComplete FROM ingest_files
         WHERE state ->> '$.place' = 'ours' ORDER BY path`,
      )
      .all() as (StoredReport['files'][number] & { isComplete: unknown })[];
    const count = (sql: string) => Number(db.sql(sql).pluck().get());
    return {
      total: ingestTotals(db).total,
      files: files.map((file) => ({ ...file, isComplete: Boolean(file.isComplete) })),
      messages: count('SELECT count(*) FROM ingest_messages'),
      conversations: count('SELECT count(*) FROM ingest_sessions WHERE conversation_id IS NOT NULL'),
      usage: db.sql(`SELECT ${usageSums} FROM usage`).get() as Usage,
      unknown: db
        .sql(
          `SELECT f.source, u.kind, count(*) AS count FROM ingest_unknown u JOIN ingest_files f ON f.id = u.file_id
           GROUP BY f.source, u.kind ORDER BY count DESC, u.kind`,
        )
        .all() as IngestReport['unknown'],
      quarantine: db
        .sql(
          `SELECT f.path, q.position, q.reason, q.size FROM ingest_quarantine q JOIN ingest_files f ON f.id = q.file_id
           ORDER BY f.path, q.position LIMIT ${MAX_REPORTED}`,
        )
        .all() as IngestReport['quarantine'],
      log: ingestLog(db),
    };
  });
}

/** The last transactions, newest first. */
export function ingestLog(db: Database): IngestLogEntry[] {
  return db
    .sql(
      `SELECT file, from_position AS fromPosition, to_position AS toPosition, found, stored, duplicates, quarantined,
         duration_ms AS durationMs, created_at AS at FROM ingest_log ORDER BY id DESC LIMIT ${REPORTED_TRANSACTIONS}`,
    )
    .all() as IngestLogEntry[];
}
