import type Sqlite from 'better-sqlite3';
import { v7 as uuid } from 'uuid';
import * as v from 'valibot';
import { MessageStatus, Role } from '../../protocol/model.ts';
import { FILL_SYNC_STATES } from '../syncState.ts';
import { type Row, readableRows } from './damagedTable.ts';

/** What came out of a damaged database. */
export interface Salvage {
  conversations: number;
  messages: number;
  /** How many of these messages were only in a backup. */
  fromBackup: number;
  /** Messages that are known to have been there and could not be read anywhere. */
  lost: number;
}

/** Most messages that a conversation is believed to have lost at its end: its counter may be what is damaged. */
const MAX_LOST_AT_END = 10_000;

const LOST_TEXT = 'This message was lost when the chat database was damaged.';

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

/**
 * Fills an empty database with every conversation and message that can be read in a damaged one, and with what only
 * its backup still has. A number without a message gets one that says so: numbers are never given twice.
 * @param target has the present schema
 */
export function salvage(
  target: Sqlite.Database,
  damaged: Sqlite.Database | undefined,
  backup: Sqlite.Database | undefined,
): Salvage {
  return target.transaction(() => {
    if (damaged) copyRows(target, damaged);
    const fromDamaged = count(target, 'messages');
    if (backup) copyRows(target, backup);
    const messages = count(target, 'messages');
    settleStreams(target);
    const lost = fillGaps(target);
    target.exec(FILL_SYNC_STATES);
    return { conversations: count(target, 'conversations'), messages, fromBackup: messages - fromDamaged, lost };
  })();
}

function copyRows(target: Sqlite.Database, source: Sqlite.Database): void {
  const add = inserter(target);
  copyHistory(source, add);
  for (const table of sideTables(target)) copyWhole(source, table, (row) => add(table, row));
}

function copyHistory(source: Sqlite.Database, add: AddRow): void {
  for (const row of readableRows(source, 'conversations')) {
    if (v.is(ConversationRow, row)) add('conversations', row);
  }
  for (const row of readableRows(source, 'messages', readableParts)) {
    if (!v.is(MessageRow, row)) continue;
    const { conversation_id: id, created_at: createdAt } = row;
    // A conversation whose own row cannot be read is known by its messages.
    add('conversations', { ...conversationStub, id, created_at: createdAt, updated_at: createdAt });
    add('messages', row);
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
]);

/** Copies the rows of a table up to the first that cannot be read. */
function copyWhole(source: Sqlite.Database, table: string, add: (row: Record<string, unknown>) => void): void {
  try {
    for (const row of source.prepare(`SELECT * FROM ${table}`).iterate()) add(row as Record<string, unknown>);
  } catch {
    // Damaged, or not known to an older backup: messages are shown without what it said of them.
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

function count(sqlite: Sqlite.Database, table: 'conversations' | 'messages'): number {
  return Number(sqlite.prepare(`SELECT count(*) FROM ${table}`).pluck().get());
}

/** What was being written is not any more. */
function settleStreams(target: Sqlite.Database): void {
  target.prepare(`UPDATE messages SET status = 'interrupted' WHERE status = 'streaming'`).run();
}

/** Gives every number without a message one that says so, and every conversation its newest number. */
function fillGaps(target: Sqlite.Database): number {
  const conversations = target.prepare('SELECT id, last_seq FROM conversations').all() as Row[];
  const held = target.prepare('SELECT seq FROM messages WHERE conversation_id = ? AND seq IS NOT NULL ORDER BY seq');
  const insert = target.prepare(
    `INSERT INTO messages(id, conversation_id, seq, role, content, status, created_at, updated_at)
     VALUES (?, ?, ?, 'system', '${LOST_TEXT}', 'error', ?, ?)`,
  );
  let lost = 0;
  for (const { id, last_seq: lastSeq } of conversations) {
    const seqs = held.pluck().all(id) as number[];
    const newest = seqs.at(-1) ?? 0;
    const end = Number(lastSeq) - newest <= MAX_LOST_AT_END ? Math.max(newest, Number(lastSeq)) : newest;
    const present = new Set(seqs);
    for (let seq = 1; seq <= end; seq++) {
      if (present.has(seq)) continue;
      const now = Date.now();
      insert.run(uuid(), id, seq, now, now);
      lost++;
    }
    target.prepare('UPDATE conversations SET last_seq = ? WHERE id = ?').run(end, id);
  }
  return lost;
}
