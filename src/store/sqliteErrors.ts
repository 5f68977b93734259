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

/** True when the file is no sound database. Of a damaged search index or header, SQLite says only that it cannot make sense of it. */
export function isCorruption(error: unknown): boolean {
  const code = sqliteCode(error);
  return (
    /^SQLITE_(CORRUPT|NOTADB)/.test(code) ||
    (code === 'SQLITE_ERROR' && /fts5|unsupported file format/i.test(String(error)))
  );
}

/** What to tell the user when the disk does not give back what is on it. */
export const UNREADABLE =
  'The chat database could not be read. Nothing was changed. Check the disk, and copy its files elsewhere if it goes on.';

const explanations: [prefix: string, reason: Reason, text: (path: string) => string][] = [
  ['SQLITE_BUSY', 'busy', () => 'The chat database was locked by another program for too long. Try again.'],
  [
    'SQLITE_FULL',
    'disk-full',
    () => 'The disk is full: the chat database cannot grow. Free some space, then try again.',
  ],
  ['SQLITE_IOERR_READ', 'disk-full', () => UNREADABLE],
  ['SQLITE_IOERR_SHORT_READ', 'disk-full', () => UNREADABLE],
  ['SQLITE_IOERR_CORRUPTFS', 'disk-full', () => UNREADABLE],
  ['SQLITE_IOERR', 'disk-full', () => 'The chat database could not be written. Check the disk and its free space.'],
  [
    'SQLITE_READONLY',
    'read-only',
    (path) => `The chat database ${path} is read-only. Check the permissions of the file and its folder.`,
  ],
  [
    'SQLITE_CANTOPEN',
    'read-only',
    (path) => `The chat database ${path} cannot be opened. Check that its folder exists and is yours.`,
  ],
  ['SQLITE_NOTADB', 'corrupt', (path) => `The file ${path} is not a database. Nothing was changed.`],
];

/** An error of SQLite about the file `path` as a {@link DevChatError} for the user; any other error unchanged. */
export function explainSqlite(error: unknown, path: string): unknown {
  const code = sqliteCode(error);
  if (!code) return error;
  if (isCorruption(error) && code !== 'SQLITE_NOTADB') {
    const text = `The chat database ${path} is damaged. Nothing was deleted. (${code})`;
    return new DevChatError('corrupt', text, { cause: error });
  }
  const [, reason, text] = explanations.find(([prefix]) => code.startsWith(prefix)) ?? ['', 'unexpected', undefined];
  return new DevChatError(reason as Reason, `${text?.(path) ?? 'The chat database refused the operation.'} (${code})`, {
    cause: error,
  });
}
