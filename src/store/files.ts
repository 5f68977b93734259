import { chmodSync, existsSync, mkdirSync, statSync } from 'node:fs';
import { DevChatError } from '../protocol/errors.ts';

/** Which file a path leads to, whatever its name. */
export interface FileIdentity {
  dev: bigint;
  ino: bigint;
}

/**
 * Makes a directory, and those above it, for this user alone; one that exists keeps its mode.
 * @throws {DevChatError} `read-only`
 */
export function makePrivateDirectory(path: string): void {
  if (existsSync(path)) return;
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    // mkdir's mode is subject to the umask; chmod's is not.
    chmodSync(path, 0o700);
  } catch (cause) {
    throw new DevChatError('read-only', `The folder ${path} for the chat history cannot be made (${String(cause)}).`, {
      cause,
    });
  }
}

/** An error of the file system about what is at or beside `path` as a {@link DevChatError}; any other error unchanged. */
export function explainFileError(error: unknown, path: string): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (error instanceof DevChatError || typeof code !== 'string' || !/^E[A-Z]+$/.test(code)) return error;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new DevChatError('disk-full', `There is no room for ${path} (${code}). Free some space, then try again.`, {
      cause: error,
    });
  }
  const text = `${path} cannot be written (${code}). Check its folder and your right to write there.`;
  return new DevChatError('read-only', text, { cause: error });
}

/** The file behind a path, or undefined when there is none. */
export function fileIdentity(path: string): FileIdentity | undefined {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stats && { dev: stats.dev, ino: stats.ino };
}

export function isSameFile(a: FileIdentity | undefined, b: FileIdentity | undefined): boolean {
  return a !== undefined && b !== undefined && a.dev === b.dev && a.ino === b.ino;
}
