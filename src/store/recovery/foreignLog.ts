import { statSync } from 'node:fs';
import Sqlite from 'better-sqlite3';
import { BUSY_TIMEOUT } from '../busy.ts';
import { ORIGIN_KEY } from '../epoch.ts';
import { imageOf } from '../readOnly.ts';
import type { Mark } from './highWaterMark.ts';

/** What a database says of itself. */
interface Identity {
  isHistory: boolean;
  epoch: unknown;
  origin: unknown;
  /** Newest change in it. */
  head: number;
}

/**
 * Whether the log beside a chat database was written for another database. SQLite would show that one’s pages in place
 * of the file’s own, and at last write them into the file. A log of its own never takes a database back.
 * @throws SQLite’s error when another connection holds the lock, or the two together are damaged
 */
export function hasForeignLog(path: string, mark: Mark | undefined): boolean {
  if (!hasLog(path)) return false;
  const shown = identityOf(new Sqlite(path, { readonly: true, timeout: BUSY_TIMEOUT }));
  if (isExpected(shown, mark)) return false;
  const own = identityOfFile(path);
  if (!own?.isHistory) return false;
  if (!shown.isHistory || shown.head < own.head) return true;
  return shown.epoch !== undefined && shown.epoch !== own.epoch && own.epoch === mark?.dbEpoch;
}

/** Whether there is a log with something in it. */
export function hasLog(path: string): boolean {
  return (statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0;
}

function isExpected({ isHistory, epoch, origin, head }: Identity, mark: Mark | undefined): boolean {
  if (!isHistory || !mark) return isHistory;
  return epoch === mark.dbEpoch ? head >= mark.changeId : origin === mark.dbEpoch;
}

function identityOfFile(path: string): Identity | undefined {
  try {
    return identityOf(new Sqlite(imageOf(path)));
  } catch {
    // The file is damaged whatever its log is.
    return undefined;
  }
}

/** Closes the database. */
function identityOf(sqlite: Sqlite.Database): Identity {
  try {
    const tables = sqlite.prepare(
      `SELECT count(*) FROM sqlite_schema WHERE name IN ('meta', 'change_log', 'sqlite_sequence')`,
    );
    if (tables.pluck().get() !== 3) return { isHistory: false, epoch: undefined, origin: undefined, head: 0 };
    const value = sqlite.prepare('SELECT value FROM meta WHERE key = ?').pluck();
    const head = sqlite.prepare(`SELECT seq FROM sqlite_sequence WHERE name = 'change_log'`).pluck().get();
    return { isHistory: true, epoch: value.get('db_epoch'), origin: value.get(ORIGIN_KEY), head: Number(head ?? 0) };
  } finally {
    sqlite.close();
  }
}
