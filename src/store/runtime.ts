import { DevChatError } from '../protocol/errors.ts';

/** Oldest Node.js on which the SQLite addon does not crash the process. */
const MIN_NODE = [22, 0, 0] as const;

/** Oldest SQLite without the corruption when two connections checkpoint and write together. */
const MIN_SQLITE = [3, 51, 3] as const;

/**
 * Checks the Node.js version; to be called before the SQLite addon is loaded.
 * @throws {DevChatError} `unsupported-node`
 */
export function assertNodeVersion(version: string = process.versions.node): void {
  if (isAtLeast(version, MIN_NODE)) return;
  throw new DevChatError(
    'unsupported-node',
    `DevChat needs Node.js ${MIN_NODE[0]} or newer, but this is ${version}. Install a newer Node.js and try again.`,
  );
}

/**
 * Checks the version of the SQLite library in use.
 * @throws {DevChatError} `unsupported-sqlite`
 */
export function assertSqliteVersion(version: string): void {
  if (isAtLeast(version, MIN_SQLITE)) return;
  throw new DevChatError(
    'unsupported-sqlite',
    `DevChat needs SQLite ${MIN_SQLITE.join('.')} or newer, but ${version} was loaded: older ones can corrupt a ` +
      'database that two windows share. Reinstall the extension.',
  );
}

function isAtLeast(version: string, minimum: readonly [number, number, number]): boolean {
  const parts = version.split('.').map((part) => Number.parseInt(part, 10));
  for (const [index, least] of minimum.entries()) {
    const part = parts[index] ?? 0;
    if (part !== least) return part > least;
  }
  return true;
}
