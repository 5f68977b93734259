import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Creates a private temporary folder, removed at exit at the latest, whose path is short, because a Unix socket's path must be (macOS: 103 bytes).
 * @returns {{ path: string, remove: () => void }}
 */
export function createTempDir() {
  const path = mkdtempSync(join(existsSync('/tmp') ? '/tmp' : tmpdir(), 'dc-'));
  const remove = () => {
    process.off('exit', remove);
    rmSync(path, { recursive: true, force: true, maxRetries: 5 });
  };
  process.on('exit', remove);
  return { path, remove };
}

/**
 * Environment that keeps sockets and temporary files of a program in one folder.
 * @param {string} path
 * @returns {NodeJS.ProcessEnv}
 */
export function tempEnvironment(path) {
  return { TMPDIR: path, XDG_RUNTIME_DIR: path };
}
