import { closeSync, existsSync, openSync, statSync, truncateSync } from 'node:fs';
import Sqlite from 'better-sqlite3';
import { BUSY_TIMEOUT, retryWhileBusy } from '../busy.ts';
import { explainFileError } from '../files.ts';
import { explainSqlite } from '../sqliteErrors.ts';

/** How long another process's recovery of the same database is waited for, in ms. */
const PATIENCE = 120_000;

/**
 * Lets one process at a time replace the file of a database. The lock is SQLite's own on an empty file, because the
 * system lifts it when its holder dies.
 * @throws {DevChatError} `busy`, `disk-full`, `read-only`, and what the body throws
 */
export async function withLock<T>(databasePath: string, body: () => T | Promise<T>): Promise<T> {
  const path = `${databasePath}.lock`;
  let lock: Sqlite.Database | undefined;
  try {
    // Closing a file that this process has locked already would lift its lock; such a one is there, and empty.
    if (!existsSync(path)) closeSync(openSync(path, 'a', 0o600));
    // SQLite locks no file that holds something else. Emptied in place, it goes on to be the file that others know.
    if (statSync(path).size > 0) truncateSync(path);
    const opened = new Sqlite(path, { timeout: BUSY_TIMEOUT });
    lock = opened;
    await retryWhileBusy(() => opened.exec('BEGIN EXCLUSIVE'), PATIENCE);
    return await body();
  } catch (error) {
    throw explainFileError(explainSqlite(error, databasePath), databasePath);
  } finally {
    lock?.close();
  }
}
