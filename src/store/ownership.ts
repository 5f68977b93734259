import { accessSync, closeSync, constants, openSync, readSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import Sqlite from 'better-sqlite3';
import { DevChatError } from '../protocol/errors.ts';
import { hasForeignLog, hasLog } from './recovery/foreignLog.ts';
import { readMark } from './recovery/highWaterMark.ts';
import { APPLICATION_ID } from './schema.ts';

/** What every SQLite file begins with. */
const MAGIC = 'SQLite format 3\0';

/** Length of a SQLite file's header, and where in it the application id is. */
const HEADER = 100;
const APPLICATION_ID_AT = 68;

/**
 * Makes an empty file for a new database, for this user alone, unless there is a file already; that one must be
 * writable and keeps its mode.
 * @throws {DevChatError} `read-only`
 */
export function makePrivateFile(path: string): void {
  try {
    if (statSync(path, { throwIfNoEntry: false })) accessSync(path, constants.R_OK | constants.W_OK);
    // SQLite makes its log beside the file.
    accessSync(dirname(path), constants.W_OK);
    closeSync(openSync(path, 'wx', 0o600));
  } catch (cause) {
    const { code = '' } = cause as NodeJS.ErrnoException;
    if (code === 'EEXIST') return;
    const problem = ['EPERM', 'EACCES', 'EROFS'].includes(code)
      ? `cannot be written (${code}). Give yourself the right to write the file and its folder, or choose another place.`
      : `cannot be made (${code}). Check its path and its folder, or choose another place.`;
    throw new DevChatError('read-only', `The chat database ${path} ${problem}`, { cause });
  }
}

/**
 * Refuses a file that is not a chat database, before anything is written to it or its log.
 * @param timeout how long to wait for a lock, in ms
 * @throws {DevChatError} `bad-request` when it is another program's, `corrupt` when it is no database or has the log of
 *   another one
 */
export function assertOurs(path: string, timeout: number): void {
  const header = readHeader(path);
  // An empty file becomes a database of whoever writes it first.
  if (header.length === 0) return;
  if (!hasMagic(header) || header.length < HEADER) {
    throw new DevChatError('corrupt', `The file ${path} is not a database. Nothing was changed.`);
  }
  const id = header.readInt32BE(APPLICATION_ID_AT);
  if (id === APPLICATION_ID && hasForeignLog(path, readMark(path))) {
    throw new DevChatError('corrupt', `The log beside ${path} belongs to another database. Nothing was changed.`);
  }
  if (id === APPLICATION_ID) return;
  if (id === 0 && isUnclaimedOrOurs(path, timeout)) return;
  throw new DevChatError('bad-request', `The file ${path} is a database of another program. Nothing was changed.`);
}

/** Whether a file's beginning is that of a SQLite file. */
export function hasMagic(header: Buffer): boolean {
  return header.toString('latin1', 0, MAGIC.length) === MAGIC;
}

/**
 * The first 100 bytes of a file, or what there is of them.
 * @throws {DevChatError} `read-only`
 */
export function readHeader(path: string): Buffer {
  let file: number | undefined;
  try {
    file = openSync(path, 'r');
    const header = Buffer.alloc(HEADER);
    return header.subarray(0, readSync(file, header, 0, HEADER, 0));
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new DevChatError('read-only', `The chat database ${path} cannot be read (${code}). Choose another place.`, {
      cause,
    });
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

/** Asks SQLite, because what counts may still be in the log. */
function isUnclaimedOrOurs(path: string, timeout: number): boolean {
  // A connection that may write would empty another program's log when it is closed. Where there is no log, a
  // journal may have to be rolled back, which one that only reads cannot do.
  const sqlite = new Sqlite(path, { timeout, fileMustExist: true, readonly: hasLog(path) });
  try {
    const look = sqlite.transaction(() => {
      const id = sqlite.pragma('application_id', { simple: true });
      const schema = Number(sqlite.pragma('user_version', { simple: true }));
      const tables = sqlite.prepare(`SELECT name FROM sqlite_schema WHERE type = 'table'`).pluck().all();
      if (id !== 0 || tables.length === 0) return id === APPLICATION_ID || id === 0;
      // Databases from before there was an application id.
      return schema > 0 && ['meta', 'conversations', 'change_log'].every((name) => tables.includes(name));
    });
    return look.deferred();
  } finally {
    sqlite.close();
  }
}
