import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
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

/** End of the name of a file that is being written. */
export const UNFINISHED = '.unfinished';

/**
 * Makes a file, for this user alone, that nobody ever finds in part, not even after a crash: it gets its name when it
 * is durable.
 * @param fill gets the name that the file has until then
 */
export async function writeWhole(path: string, fill: (unfinished: string) => void | Promise<void>): Promise<void> {
  const unfinished = path + UNFINISHED;
  rmSync(unfinished, { force: true });
  try {
    writeFileSync(unfinished, '', { mode: 0o600, flag: 'wx' });
    await fill(unfinished);
    syncFile(unfinished);
    renameSync(unfinished, path);
  } finally {
    rmSync(unfinished, { force: true });
  }
}

/** Makes a file's content durable. */
export function syncFile(path: string): void {
  const file = openSync(path, 'r+');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
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
