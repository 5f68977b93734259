import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * Writes a file by renaming, and only when its content differs: a window that is starting never reads half of it.
 * @param {string} path
 * @param {Uint8Array} contents
 * @param {{ executable?: boolean }} [options]
 */
export function writeOutput(path, contents, { executable = false } = {}) {
  if (existsSync(path) && readFileSync(path).equals(contents)) return;
  mkdirSync(dirname(path), { recursive: true });
  const partial = `${path}.${process.pid}.tmp`;
  writeFileSync(partial, contents);
  if (executable) chmodSync(partial, 0o755);
  renameSync(partial, path);
}

/**
 * Deletes every file below `folder` that is not in `keep`, and the folders that become empty.
 * @param {string} folder
 * @param {ReadonlySet<string>} keep absolute paths
 */
export function removeStale(folder, keep) {
  if (!existsSync(folder)) return;
  const entries = readdirSync(folder, { withFileTypes: true });
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) removeStale(path, keep);
    else if (!keep.has(path)) rmSync(path, { force: true });
  }
  if (entries.length > 0 && readdirSync(folder).length === 0) rmSync(folder, { recursive: true });
}

/**
 * A size for people: kB of 1000 bytes.
 * @param {number} bytes
 * @returns {string}
 */
export function formatSize(bytes) {
  return bytes >= 1e6 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e3).toFixed(1)} kB`;
}
