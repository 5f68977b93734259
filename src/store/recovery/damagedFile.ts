import { closeSync, copyFileSync, existsSync, fsyncSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import Sqlite from 'better-sqlite3';
import { APPLICATION_ID } from '../schema.ts';
import { isCorruption } from '../sqliteErrors.ts';
import { readMark } from './highWaterMark.ts';

/** Size of a page, which is SQLite's default, in bytes. */
export const PAGE_SIZE = 4096;

/** Where the header says that there is a log ahead, and where it counts its own file’s pages: as zeros, they are counted anew. */
const JOURNAL_VERSIONS = { from: 18, to: 20 };
const WRITE_AHEAD = 2;
const PAGE_COUNTS = { from: 28, to: 40 };

/** Whether a file that was a chat database no longer is a sound one. */
export function isDamaged(path: string): boolean {
  let sqlite: Sqlite.Database | undefined;
  try {
    sqlite = new Sqlite(path, { readonly: true, fileMustExist: true });
    const isEmpty = sqlite.prepare('SELECT count(*) FROM sqlite_schema').pluck().get() === 0;
    if (isEmpty) return (readMark(path)?.changeId ?? 0) > 0;
    if (sqlite.pragma('application_id', { simple: true }) !== APPLICATION_ID) return true;
    return sqlite.pragma('integrity_check(1)', { simple: true }) !== 'ok';
  } catch (error) {
    if (isCorruption(error)) return true;
    throw error;
  } finally {
    sqlite?.close();
  }
}

/**
 * Opens a copy of a damaged database and of its log. When the first page is lost, which says where everything is, the
 * copy gets the first page of a sound database: the same schema is laid out the same way.
 * @param sound path of a database of the present schema
 * @returns undefined when not even that helps
 */
export function openCopy(path: string, copy: string, sound: string): Sqlite.Database | undefined {
  copyFileSync(path, copy);
  if (existsSync(`${path}-wal`)) copyFileSync(`${path}-wal`, `${copy}-wal`);
  const sqlite = openReadable(copy);
  if (sqlite) return sqlite;
  replaceFirstPage(copy, sound);
  return openReadable(copy);
}

/** Removes what {@link openCopy} made. */
export function removeCopy(copy: string): void {
  for (const suffix of ['', '-wal', '-shm', '-journal']) rmSync(copy + suffix, { force: true });
}

function replaceFirstPage(path: string, sound: string): void {
  const page = readFileSync(sound).subarray(0, PAGE_SIZE);
  page.fill(WRITE_AHEAD, JOURNAL_VERSIONS.from, JOURNAL_VERSIONS.to).fill(0, PAGE_COUNTS.from, PAGE_COUNTS.to);
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
    const tables = sqlite.prepare(`SELECT count(*) FROM sqlite_schema WHERE name IN ('conversations', 'messages')`);
    if (tables.pluck().get() === 2) return sqlite;
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

/** Makes a file's content durable. */
export function syncFile(path: string): void {
  const file = openSync(path, 'r+');
  fsyncSync(file);
  closeSync(file);
}
