import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder of its own for one measurement. */
export interface BenchFolder {
  /** Path of the database that is measured. */
  database: string;
  /** The environment that keeps data, sockets and temporary files of a process inside the folder. */
  env: NodeJS.ProcessEnv;
}

/** Runs a function with a new folder, which goes after it. */
export async function inFolder<T>(body: (folder: BenchFolder) => Promise<T>): Promise<T> {
  // Short, because sockets lie in it.
  const path = mkdtempSync(join(tmpdir(), 'dc-'));
  const env = { ...process.env, TMPDIR: path, XDG_RUNTIME_DIR: path, DEVCHAT_HOME: join(path, 'home') };
  try {
    return await body({ database: join(path, 'chat.db'), env });
  } finally {
    rmSync(path, { recursive: true });
  }
}
