import { DevChatError, type Reason } from '../protocol/errors.ts';

/** SQLite's result code of an error that the addon threw, e.g. `SQLITE_BUSY_SNAPSHOT`; empty for other errors. */
export function sqliteCode(error: unknown): string {
  const code = error instanceof Error && error.name === 'SqliteError' ? (error as { code?: unknown }).code : undefined;
  return typeof code === 'string' ? code : '';
}

/** True when another connection held the lock: the same transaction may succeed a moment later. */
export function isBusy(error: unknown): boolean {
  return sqliteCode(error).startsWith('SQLITE_BUSY');
}

const explanations: [prefix: string, reason: Reason, text: string][] = [
  ['SQLITE_BUSY', 'busy', 'The chat database was locked by another program for too long. Try again.'],
  ['SQLITE_FULL', 'disk-full', 'The disk is full: the chat database cannot grow. Free some space, then try again.'],
  ['SQLITE_IOERR', 'disk-full', 'The chat database could not be written. Check the disk and its free space.'],
  ['SQLITE_READONLY', 'read-only', 'The chat database is read-only. Check the permissions of its file and folder.'],
  ['SQLITE_CANTOPEN', 'read-only', 'The chat database cannot be opened. Check that its folder exists and is yours.'],
  ['SQLITE_CORRUPT', 'corrupt', 'The chat database is damaged. Nothing was deleted; see the log for its path.'],
  ['SQLITE_NOTADB', 'corrupt', 'The file at the chat database’s path is no database. Nothing was deleted.'],
];

/** An error of SQLite as a {@link DevChatError} for the user; any other error unchanged. */
export function explainSqlite(error: unknown): unknown {
  const code = sqliteCode(error);
  if (!code) return error;
  const [, reason, text] = explanations.find(([prefix]) => code.startsWith(prefix)) ?? ['', 'unexpected', undefined];
  return new DevChatError(reason as Reason, `${text ?? 'The chat database refused the operation.'} (${code})`, {
    cause: error,
  });
}
