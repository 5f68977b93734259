import { accessSync, constants, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { hasReason } from '../protocol/errors.ts';
import { SCHEMA_VERSION } from './schema.ts';

/** Where the header of a database file says how it is read and written, and the value for “without a log ahead”. */
const JOURNAL_VERSIONS = { from: 18, to: 20 };
const ROLLBACK_JOURNAL = 1;

/** Writes something of no meaning; takes the time in Unix ms. */
export const PROBE = `INSERT OR REPLACE INTO meta(key, value) VALUES ('write_probe', ?)`;

/** Whether an error says that nothing can be written, for lack of room or of permission: both may pass. */
export function isUnwritable(error: unknown): boolean {
  return hasReason(error, 'read-only', 'disk-full');
}

/** Opens a database for reading alone; undefined when it cannot be read either. */
export function openForReading(path: string): Sqlite.Database | undefined {
  return (
    readable(() => new Sqlite(path, { readonly: true })) ??
    readable(() => new Sqlite(imageWithLog(path))) ??
    readable(() => new Sqlite(imageOf(path)))
  );
}

function readable(open: () => Sqlite.Database): Sqlite.Database | undefined {
  let sqlite: Sqlite.Database | undefined;
  try {
    sqlite = open();
    const minReader = sqlite.prepare(`SELECT value FROM meta WHERE key = 'min_reader'`).pluck().get();
    if (Number(minReader) <= SCHEMA_VERSION) return sqlite;
  } catch {
    // The caller holds the reason why it cannot be written, which is the same.
  }
  sqlite?.close();
  return undefined;
}

/** A database as a copy in memory, for where not even the files that its readers share can be made. */
function imageWithLog(path: string): Buffer {
  const directory = mkdtempSync(join(tmpdir(), 'devchat-'));
  try {
    const copy = join(directory, 'chat.db');
    for (const suffix of ['', '-wal']) {
      if (existsSync(path + suffix)) writeFileSync(copy + suffix, readFileSync(path + suffix), { mode: 0o600 });
    }
    const sqlite = new Sqlite(copy);
    sqlite.pragma('journal_mode = DELETE');
    sqlite.close();
    return readFileSync(copy);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The same without what is only in the log, for where there is no room for another copy. */
export function imageOf(path: string): Buffer {
  return readFileSync(path).fill(ROLLBACK_JOURNAL, JOURNAL_VERSIONS.from, JOURNAL_VERSIONS.to);
}

/** Whether a database that could not be written can be again. */
export function isWritable(path: string): boolean {
  let sqlite: Sqlite.Database | undefined;
  try {
    accessSync(dirname(path), constants.W_OK);
    sqlite = new Sqlite(path, { timeout: 0, fileMustExist: true });
    sqlite.prepare(PROBE).run(Date.now());
    return true;
  } catch {
    return false;
  } finally {
    sqlite?.close();
  }
}
