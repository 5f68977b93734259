import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { DevChatError, errorText } from '../protocol/errors.ts';
import type { VerifyResult } from '../protocol/rpc.ts';
import { changeHead, forgetChanges } from './changeLog.ts';
import type { Database } from './database.ts';
import { changeEpoch, isEpoch } from './epoch.ts';
import { explainFileError } from './files.ts';
import { newMeta } from './migrate.ts';
import { isUnwritable } from './readOnly.ts';
import { makeScratchDirectory } from './recovery/backups.ts';
import { holdsRows, missingParts, type SchemaPart } from './schemaParts.ts';
import { explainSqlite, isCorruption } from './sqliteErrors.ts';
import { interruptMessages } from './streams.ts';
import { resetSyncState, unfitSyncStates } from './syncState.ts';

/** One thing that must hold: what is wrong with it in words, and how to mend it where that loses nothing. */
interface Check {
  find(db: Database): string[];
  mend?(db: Database, origin: string): void;
}

/**
 * Messages that wait for text though nobody writes them: no instance would ever end them. Those of the hub may be
 * written on another machine.
 */
function abandonedMessages(db: Database): string[] {
  const ids = db.sql(
    `SELECT id FROM messages
     WHERE status = 'streaming' AND deleted_at IS NULL AND id NOT IN (SELECT message_id FROM streams)
       AND id NOT IN (SELECT id FROM hub_entities)`,
  );
  return ids.pluck().all() as string[];
}

function fillIndex(db: Database): void {
  db.sql(`INSERT INTO message_index(message_index) VALUES ('rebuild')`).run();
}

const isMissing = ({ kind, name }: SchemaPart) => `The ${kind} ${name} is missing.`;

/** Indexes and triggers that are missing: they can be made anew. */
const missingDerived = (db: Database) => missingParts(db).filter((part) => !holdsRows(part));

/** The checks for which a database is only read. */
const readableChecks: Check[] = [
  {
    find: (db) => missingDerived(db).map(isMissing),
    mend: (db) => {
      for (const { sql } of missingDerived(db)) if (sql !== null) db.sql(sql).run();
    },
  },
  {
    find: (db) =>
      (db.sql('PRAGMA foreign_key_check').all() as { table: string; parent: string }[]).map(
        ({ table, parent }) => `A row of ${table} belongs to a row of ${parent} that does not exist.`,
      ),
    // Of a conversation whose row is gone, its messages are still known.
    mend: (db) => {
      const recreate = db.sql(
        `INSERT INTO conversations(id, title, source, last_seq, created_at, updated_at)
         SELECT conversation_id, 'Recovered conversation', 'chat', coalesce(max(seq), 0), min(created_at), max(updated_at)
         FROM messages WHERE conversation_id NOT IN (SELECT id FROM conversations) GROUP BY conversation_id`,
      );
      if (recreate.run().changes > 0) forgetChanges(db);
      // What is only derived from messages is derived again.
      db.sql('DELETE FROM chat_sync_state WHERE conversation_id NOT IN (SELECT id FROM conversations)').run();
    },
  },
  {
    find: (db) => (db.isInPlace() ? [] : [`The path ${db.path} leads to another file than the one that is open.`]),
  },
  {
    find: (db) =>
      [...newMeta().keys()]
        .filter((key) => !db.sql('SELECT 1 FROM meta WHERE key = ?').get(key))
        .map((key) => `The database has lost its ${key}.`),
    mend: (db) => {
      for (const entry of newMeta()) db.sql('INSERT OR IGNORE INTO meta(key, value) VALUES (?, ?)').run(entry);
    },
  },
  {
    find: (db) => {
      const epoch = db.sql(`SELECT value FROM meta WHERE key = 'db_epoch'`).pluck().get();
      return epoch === undefined || isEpoch(epoch) ? [] : [`The db_epoch ${epoch} names no database.`];
    },
    mend: (db) => changeEpoch(db, undefined),
  },
  {
    find: (db) => {
      const rows = db
        .sql(
          `SELECT c.id, c.last_seq AS lastSeq, count(m.seq) AS held, coalesce(max(m.seq), 0) AS newest
           FROM conversations c LEFT JOIN messages m ON m.conversation_id = c.id
           GROUP BY c.id
           HAVING held <> lastSeq AND c.authority <> 'hub' OR newest > lastSeq OR min(m.seq) < 1`,
        )
        .all() as { id: string; lastSeq: number; held: number; newest: number }[];
      return rows.map(({ id, lastSeq, held, newest }) => {
        if (newest > lastSeq)
          return `Conversation ${id} holds message ${newest}, but says that its newest is ${lastSeq}.`;
        if (held < lastSeq) return `Conversation ${id} holds ${held} of its ${lastSeq} messages.`;
        return `Conversation ${id} holds messages with numbers below 1.`;
      });
    },
    // A number that was handed out is never lowered: a missing message stays missing, and is told as such.
    mend: (db) => {
      const raise = db.sql(
        `UPDATE conversations SET revision = revision + 1,
           last_seq = (SELECT max(seq) FROM messages WHERE conversation_id = conversations.id)
         WHERE last_seq < (SELECT max(seq) FROM messages WHERE conversation_id = conversations.id)`,
      );
      if (raise.run().changes > 0) forgetChanges(db);
    },
  },
  {
    find: (db) => unfitSyncStates(db).map((id) => `The sync state of conversation ${id} does not fit its messages.`),
    mend: (db) => {
      for (const id of unfitSyncStates(db)) resetSyncState(db, id);
    },
  },
  {
    find: (db) => abandonedMessages(db).map((id) => `Message ${id} waits for text, but nobody is writing it.`),
    mend: (db, origin) => {
      interruptMessages(db, origin, abandonedMessages(db));
    },
  },
  {
    find: (db) => {
      const head = changeHead(db);
      const prunedThrough = Number(db.sql(`SELECT value FROM meta WHERE key = 'pruned_through'`).pluck().get() ?? 0);
      const { held, oldest } = db.sql('SELECT count(*) AS held, min(id) AS oldest FROM change_log').get() as {
        held: number;
        oldest: number | null;
      };
      const expected = head - prunedThrough;
      if (held === expected && (oldest === null || oldest > prunedThrough)) return [];
      return [`The change log holds ${held} entries after ${prunedThrough}, but ${expected} were written.`];
    },
    mend: forgetChanges,
  },
];

/** Compares the search index with the messages. Writes nothing, but needs the right to. */
function findInIndex(db: Pick<Database, 'sql'>): string[] {
  try {
    db.sql(`INSERT INTO message_index(message_index, rank) VALUES ('integrity-check', 1)`).run();
    return [];
  } catch (error) {
    if (!isCorruption(error)) throw error;
    return ['The search index does not fit the messages.'];
  }
}

const indexCheck: Check = { find: findInIndex, mend: fillIndex };

/** What a check has found. */
interface Finding {
  check: Check;
  problems: string[];
}

const hasProblems = ({ problems }: Finding) => problems.length > 0;

/** Checks everything without a lock, so that others go on writing. */
async function look(db: Database): Promise<Finding[]> {
  const findings = db.read(() => readableChecks.map((check) => ({ check, problems: check.find(db) })));
  return [...findings, { check: indexCheck, problems: await lookInIndex(db) }].filter(hasProblems);
}

async function lookInIndex(db: Database): Promise<string[]> {
  try {
    return await withCopy(db, findInIndex);
  } catch (error) {
    if (!isUnwritable(error)) throw error;
    return [`The search index was not checked, because no copy could be made: ${errorText(error)}`];
  }
}

/**
 * Calls a function with a copy of a database, which it may write to, and which is gone afterwards.
 * @throws {DevChatError} `disk-full`, `read-only`
 */
async function withCopy<T>(db: Database, body: (copy: Pick<Database, 'sql'>) => T): Promise<T> {
  let directory: string | undefined;
  let sqlite: Sqlite.Database | undefined;
  try {
    // For this user alone, both.
    directory = db.readOnlyReason === null ? makeScratchDirectory(db.path) : mkdtempSync(join(tmpdir(), 'devchat-'));
    const path = join(directory, 'chat.db');
    await db.copyTo(path);
    const copy = new Sqlite(path);
    sqlite = copy;
    return body({ sql: (text) => copy.prepare(text) });
  } catch (error) {
    throw explainFileError(explainSqlite(error, directory ?? ''), directory ?? dirname(db.path));
  } finally {
    sqlite?.close();
    if (directory !== undefined) rmSync(directory, { recursive: true, force: true });
  }
}

/**
 * Makes the search index anew from the messages, in one transaction: the next message may already be found in it.
 * @returns how many messages there are
 */
export function rebuildIndex(db: Database): Promise<number> {
  return db.write(() => {
    fillIndex(db);
    return Number(db.sql('SELECT count(*) FROM messages').pluck().get());
  });
}

/** Lines about tables that are made from others: they have checks of their own, which mend them. */
const DERIVED = /message_index|constraint failed in chat_sync_state/;

/** What is wrong with the file as a file, and what of its tables is missing. */
function damage(db: Database): string[] {
  let lines: string[];
  try {
    lines = db.sql('PRAGMA integrity_check(20)').pluck().all() as string[];
  } catch (error) {
    if (!isCorruption(error)) throw error;
    lines = [errorText(error)];
  }
  const damaged = lines
    .filter((line) => line !== 'ok' && !DERIVED.test(line))
    .map((line) => `The database file is damaged: ${line}`);
  return damaged.length > 0 ? damaged : missingParts(db).filter(holdsRows).map(isMissing);
}

/**
 * Checks everything that must hold in a database. Others write meanwhile, unless there is something to be mended.
 * @param origin the instance in whose name mended rows are logged
 * @param repair mends what can be mended without loss; what could not be stays among the problems
 * @throws {DevChatError} `corrupt` when the file itself has to be repaired first
 */
export async function verify(db: Database, origin: string, repair: boolean): Promise<VerifyResult> {
  const damaged = damage(db);
  // Of what a damaged file seems to hold, nothing more can be said.
  if (damaged.length > 0 && !repair) return { problems: damaged, repaired: [] };
  if (damaged.length > 0) throw new DevChatError('corrupt', damaged.join('\n'));
  const seen = await look(db);
  if (!repair || seen.length === 0) return { problems: seen.flatMap(({ problems }) => problems), repaired: [] };
  return db.write(() => {
    // Somebody else may have mended it since.
    const found = seen.map(({ check }) => ({ check, problems: check.find(db) })).filter(hasProblems);
    for (const { check } of found) check.mend?.(db, origin);
    const after = found.flatMap(({ check }) => check.find(db));
    const before = found.flatMap(({ problems }) => problems);
    return { problems: after, repaired: before.filter((problem) => !after.includes(problem)) };
  });
}
