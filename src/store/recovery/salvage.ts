import type Sqlite from 'better-sqlite3';
import * as v from 'valibot';
import { MessageStatus, Role } from '../../protocol/model.ts';
import { FILL_SYNC_STATES } from '../syncState.ts';
import type { Source } from './damagedFile.ts';
import { ownRows, readableRows } from './damagedTable.ts';
import { fillGaps, statedNumbers } from './lostNumbers.ts';
import { type Pause, pauses } from './pause.ts';

/** What came out of a damaged database. */
export interface Salvage {
  conversations: number;
  messages: number;
  /** How many of these messages were only in a backup. */
  fromBackup: number;
  /** Messages that are known to have been there and could not be read anywhere. */
  lost: number;
  /** Numbers of which only the counter of their conversation tells. */
  unconfirmed: number;
  /** Tables that say more about messages, and have lost rows; how many, if that is known. */
  lostDetails: { table: string; rows: number | undefined }[];
}

const Id = v.pipe(v.string(), v.uuid());
const Count = v.pipe(v.number(), v.integer(), v.minValue(0));
const ConversationRow = v.looseObject({ id: Id, title: v.string(), source: v.string(), last_seq: Count });
const MessageRow = v.looseObject({
  id: Id,
  conversation_id: Id,
  seq: v.nullable(v.pipe(Count, v.minValue(1))),
  role: Role,
  content: v.string(),
  status: MessageStatus,
});

/** Columns of `messages` to copy; parts that are no JSON any more would make their message unreadable. */
const readableParts = '*, CASE WHEN json_valid(parts, 8) THEN parts END AS parts';

/** Where rows are read from. */
export interface Sources {
  /** The damaged database, opened in different ways; the first is believed most. */
  file: Source[];
  backup: Source | undefined;
}

/**
 * Fills an empty database with every conversation and message that can be read in a damaged one, and with what only
 * its backup still has. A number without a message gets one that says so: numbers are never given twice.
 * @param target has the present schema; it counts for nothing until this has ended
 * @param newestChange id of the newest change that the mark beside the database tells of
 */
export async function salvage(
  target: Sqlite.Database,
  { file, backup }: Sources,
  newestChange: number,
): Promise<Salvage> {
  const add = inserter(target);
  const pause = pauses();
  const sources = backup ? [...file, backup] : file;
  target.exec('BEGIN');
  for (const source of sources) await copyConversations(source, add, pause);
  for (const [index, source] of file.entries()) await copyMessages(source, add, { keepsRowIds: index === 0, pause });
  const fromFile = count(target, 'messages');
  if (backup) await copyMessages(backup, add, { keepsRowIds: file.length === 0, pause });
  const messages = count(target, 'messages');
  const lostDetails: Salvage['lostDetails'] = [];
  for (const table of sideTables(target)) lostDetails.push(...(await copyDetails(target, sources, table, add, pause)));
  settleStreams(target);
  const stated = await statedNumbers([...file.slice(0, 1), ...(backup ? [backup] : [])], newestChange, pause);
  const gaps = fillGaps(target, stated);
  target.exec(FILL_SYNC_STATES);
  const conversations = count(target, 'conversations');
  target.exec('COMMIT');
  return { conversations, messages, fromBackup: messages - fromFile, ...gaps, lostDetails };
}

async function copyConversations(source: Source, add: AddRow, pause: Pause): Promise<void> {
  for (const row of readableRows(source, 'conversations')) {
    await pause();
    if (v.is(ConversationRow, row)) add('conversations', row);
  }
}

/** @param how `keepsRowIds` only for one source: in others the same number may belong to another message */
async function copyMessages(
  source: Source,
  add: AddRow,
  { keepsRowIds, pause }: { keepsRowIds: boolean; pause: Pause },
): Promise<void> {
  const columns = columnsOf(source.sqlite, 'messages').has('parts') ? readableParts : '*';
  for (const { row_id: rowId, ...row } of readableRows(source, 'messages', columns)) {
    await pause();
    if (!v.is(MessageRow, row)) continue;
    const { conversation_id: id, created_at: createdAt } = row;
    // A conversation whose own row cannot be read anywhere is known by its messages.
    add('conversations', { ...conversationStub, id, created_at: createdAt, updated_at: createdAt });
    add('messages', keepsRowIds ? { ...row, row_id: rowId } : row);
  }
}

/** Tables that say more about messages; they hold nothing that anybody wrote. */
function sideTables(target: Sqlite.Database): string[] {
  const all = target.prepare(
    `SELECT name FROM pragma_table_list
     WHERE schema = 'main' AND type = 'table' AND name NOT GLOB 'sqlite_*' ORDER BY name`,
  );
  return (all.pluck().all() as string[]).filter((name) => !rebuiltTables.has(name));
}

/** Tables that have been copied already, or whose rows belong to the damaged database alone. */
const rebuiltTables: ReadonlySet<string> = new Set([
  'conversations',
  'messages',
  'meta',
  'change_log',
  'chat_sync_state',
  'peers',
  'streams',
  // How far the hub was followed: what was lost is to be found by comparing everything.
  'hub_link',
  // How far transcripts were read: what was lost of them is to be read again.
  'ingest_files',
  'ingest_quarantine',
  'ingest_unknown',
]);

/** Copies what can be read of one table; returns its name when rows of it are lost. */
async function copyDetails(
  target: Sqlite.Database,
  sources: readonly Source[],
  table: string,
  add: AddRow,
  pause: Pause,
): Promise<Salvage['lostDetails']> {
  let isWhole = true;
  for (const [index, source] of sources.entries()) {
    const rows = ownRows(source, table);
    let next = rows.next();
    for (; !next.done; next = rows.next()) {
      await pause();
      add(table, next.value);
    }
    // The others are read for what this one lacks, and may be older.
    if (index === 0) isWhole = next.value;
  }
  const [first] = sources;
  // Older versions have no such table, and where the schema was only guessed, there may be none either.
  if (isWhole || !first || first.isSchemaGuessed || columnsOf(first.sqlite, table).size === 0) return [];
  const stated = countIfReadable(first.sqlite, table);
  if (stated === undefined) return [{ table, rows: undefined }];
  const rows = stated - count(target, table);
  return rows > 0 ? [{ table, rows }] : [];
}

/** An index may still tell how many rows there were. */
function countIfReadable(sqlite: Sqlite.Database, table: string): number | undefined {
  try {
    return count(sqlite, table);
  } catch {
    return undefined;
  }
}

const conversationStub = { title: 'Recovered conversation', source: 'chat' };

type AddRow = (table: string, row: Record<string, unknown>) => void;

/** Adds rows, except those whose key is there already or that break a rule of the schema. */
function inserter(target: Sqlite.Database): AddRow {
  const known = new Map<string, Set<string>>();
  const statements = new Map<string, Sqlite.Statement>();
  return (table, row) => {
    const present = known.get(table) ?? columnsOf(target, table);
    known.set(table, present);
    const columns = Object.keys(row).filter((column) => present.has(column));
    const values = columns.map((column) => row[column]);
    const sql = `INSERT OR IGNORE INTO ${table}(${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`;
    const statement = statements.get(sql) ?? target.prepare(sql);
    statements.set(sql, statement);
    try {
      statement.run(values);
    } catch {
      // A value of the wrong type: damage that the pages did not show. The gap in the numbers will tell.
    }
  };
}

function columnsOf(sqlite: Sqlite.Database, table: string): Set<string> {
  return new Set(sqlite.prepare('SELECT name FROM pragma_table_info(?)').pluck().all(table) as string[]);
}

function count(sqlite: Sqlite.Database, table: string): number {
  return Number(sqlite.prepare(`SELECT count(*) FROM ${table}`).pluck().get());
}

/** What was being written is not any more. */
function settleStreams(target: Sqlite.Database): void {
  target.prepare(`UPDATE messages SET status = 'interrupted' WHERE status = 'streaming'`).run();
}
