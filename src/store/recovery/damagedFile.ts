import { closeSync, existsSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import Sqlite from 'better-sqlite3';
import { DevChatError, errorText } from '../../protocol/errors.ts';
import { hasMagic, readHeader } from '../ownership.ts';
import { APPLICATION_ID, SCHEMA_VERSION } from '../schema.ts';
import { holdsRows, missingParts } from '../schemaParts.ts';
import { explainSqlite, isCorruption, UNREADABLE } from '../sqliteErrors.ts';
import { hasForeignLog } from './foreignLog.ts';
import { readMark } from './highWaterMark.ts';

/** Size of a page, which is SQLite's default, in bytes. */
export const PAGE_SIZE = 4096;

/** How much is read at once, in bytes. */
const READ_STEP = 1 << 20;

/** Where the header says that there is a log ahead, and where it counts its own file’s pages: as zeros, they are counted anew. */
const JOURNAL_VERSIONS = { from: 18, to: 20 };
const WRITE_AHEAD = 2;
const PAGE_COUNTS = { from: 28, to: 40 };

/** Where the header has the number of the schema, and the largest that is believed: beyond, it is damage. */
const SCHEMA_AT = 60;
const MAX_BELIEVED_SCHEMA = 1000;

/** Tables whose rows can be told by what is in them, wherever in the file they are. */
const SCATTERED_TABLES = ['conversations', 'messages', 'change_log'];

/** A database that is read for what it still holds. */
export interface Source {
  sqlite: Sqlite.Database;
  /** Whether its tables may begin elsewhere than it says. */
  isSchemaGuessed: boolean;
}

/**
 * Whether a file that was a chat database no longer is a sound one.
 * @throws {DevChatError} `disk-full` when the disk does not give it back
 */
export function isDamaged(path: string): boolean {
  if (!looksDamaged(path)) return false;
  // A sound file looks the same on a disk that fails to read: SQLite does not always say which it was.
  assertReadable(path);
  return looksDamaged(path);
}

function looksDamaged(path: string): boolean {
  const mark = readMark(path);
  let sqlite: Sqlite.Database | undefined;
  try {
    const header = readHeader(path);
    // With a log that is whole, SQLite would not even notice.
    if (header.length > 0 && !hasMagic(header)) return true;
    if (hasForeignLog(path, mark)) return true;
    sqlite = new Sqlite(path, { readonly: true, fileMustExist: true });
    const isEmpty = sqlite.prepare('SELECT count(*) FROM sqlite_schema').pluck().get() === 0;
    return isEmpty ? (mark?.changeId ?? 0) > 0 : !isSoundHistory(sqlite);
  } catch (error) {
    if (isCorruption(error)) return true;
    throw explainSqlite(error, path);
  } finally {
    sqlite?.close();
  }
}

/** Reads a database and its log from the first byte to the last. */
function assertReadable(path: string): void {
  const chunk = Buffer.alloc(READ_STEP);
  for (const name of [path, `${path}-wal`].filter((each) => existsSync(each))) {
    const file = openSync(name, 'r');
    try {
      for (let at = 0, length = -1; length !== 0; at += length) length = readSync(file, chunk, 0, READ_STEP, at);
    } catch (cause) {
      throw new DevChatError('disk-full', `${UNREADABLE} (${errorText(cause)})`, { cause });
    } finally {
      closeSync(file);
    }
  }
}

/** Whether a file holds a chat history, and all of it can be read. */
export function isSoundFile(path: string): boolean {
  let sqlite: Sqlite.Database | undefined;
  try {
    sqlite = new Sqlite(path, { readonly: true, fileMustExist: true });
    return isSoundHistory(sqlite);
  } catch {
    // Whatever it is, there is nothing to be had from it.
    return false;
  } finally {
    sqlite?.close();
  }
}

function isSoundHistory(sqlite: Sqlite.Database): boolean {
  // The first databases had no application id.
  const isOurs = [APPLICATION_ID, 0].includes(Number(sqlite.pragma('application_id', { simple: true })));
  if (!isOurs || !hasHistory(sqlite) || sqlite.pragma('integrity_check(1)', { simple: true }) !== 'ok') return false;
  return !missingParts({ sql: (text) => sqlite.prepare(text) }).some(holdsRows);
}

function hasHistory(sqlite: Sqlite.Database): boolean {
  const tables = sqlite.prepare(`SELECT count(*) FROM sqlite_schema WHERE name IN ('conversations', 'messages')`);
  return tables.pluck().get() === 2;
}

/** Whether a file that may be damaged was made by a newer version, which has tables that this one does not know. */
export function isNewer(path: string): boolean {
  const header = readHeader(path);
  if (header.length < SCHEMA_AT + 4 || !hasMagic(header)) return false;
  const schema = header.readUInt32BE(SCHEMA_AT);
  return schema > SCHEMA_VERSION && schema <= MAX_BELIEVED_SCHEMA;
}

/**
 * Opens a copy of a damaged database. When the first page is lost, which says where everything is, the copy gets that of
 * a fresh database, where the same schema is laid out the same way. When that does not help, it gets one with only the
 * tables whose rows can be found anywhere.
 * @param copy where to make the copy; to be removed with {@link removeCopy}
 * @param fresh an empty database of the present schema
 * @returns undefined when nothing can be read
 */
export async function openCopy(
  path: string,
  copy: string,
  { withLog, fresh }: { withLog: boolean; fresh: Sqlite.Database },
): Promise<Source | undefined> {
  await copyFile(path, copy);
  if (withLog) await copyFile(`${path}-wal`, `${copy}-wal`);
  const asItIs = openReadable(copy);
  if (asItIs) return { sqlite: asItIs, isSchemaGuessed: false };
  for (const firstPage of [firstPageOf(fresh), firstPageOf(scatteredTables(fresh))]) {
    replaceFirstPage(copy, firstPage);
    const sqlite = openReadable(copy);
    if (sqlite) return { sqlite, isSchemaGuessed: true };
  }
  return undefined;
}

/** Removes what {@link openCopy} made. */
export function removeCopy(copy: string): void {
  for (const suffix of ['', '-wal', '-shm', '-journal']) rmSync(copy + suffix, { force: true });
}

function firstPageOf(sqlite: Sqlite.Database): Buffer {
  const page = sqlite.serialize().subarray(0, PAGE_SIZE);
  return page.fill(WRITE_AHEAD, JOURNAL_VERSIONS.from, JOURNAL_VERSIONS.to).fill(0, PAGE_COUNTS.from, PAGE_COUNTS.to);
}

/** A database whose schema fits its first page, because its tables have neither keys nor rules. */
function scatteredTables(fresh: Sqlite.Database): Sqlite.Database {
  const sqlite = new Sqlite(':memory:');
  const columns = fresh.prepare(
    `SELECT group_concat(name || iif(pk AND type = 'INTEGER', ' INTEGER PRIMARY KEY', '')) FROM pragma_table_info(?)`,
  );
  for (const table of SCATTERED_TABLES) sqlite.exec(`CREATE TABLE ${table}(${columns.pluck().get(table)})`);
  return sqlite;
}

function replaceFirstPage(path: string, page: Buffer): void {
  const file = openSync(path, 'r+');
  writeSync(file, page, 0, page.length, 0);
  closeSync(file);
}

function openReadable(path: string): Sqlite.Database | undefined {
  let sqlite: Sqlite.Database | undefined;
  try {
    sqlite = new Sqlite(path, { fileMustExist: true });
    // From here on the file alone holds everything.
    sqlite.pragma('journal_mode = DELETE');
    unsafeButFast(sqlite);
    if (hasHistory(sqlite)) return sqlite;
  } catch {
    // Then it is to be read another way, or its backup is.
  }
  sqlite?.close();
  return undefined;
}

/** For a file that counts for nothing until it is complete. */
export function unsafeButFast(sqlite: Sqlite.Database): void {
  sqlite.pragma('journal_mode = MEMORY');
  sqlite.pragma('synchronous = OFF');
}
