import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';

/** What is to be undone. Synchronous, because an exiting process can do nothing else. */
const pending = new Set<() => void>();

/**
 * Has something undone after the case, or when the run ends in its middle; what was done last is undone first.
 * @returns a function by which it is forgotten, because it is undone already
 */
export function undoLater(undo: () => void): () => void {
  pending.add(undo);
  return () => void pending.delete(undo);
}

/** Undoes everything; one failure keeps nothing else from being undone. */
export function undoAll(): void {
  for (const undo of [...pending].reverse()) {
    pending.delete(undo);
    try {
      undo();
    } catch (error) {
      process.stderr.write(`could not clean up: ${String(error)}\n`);
    }
  }
}

/** Leaves nothing behind, however the run ends. */
export function guardExit(): void {
  process.once('exit', undoAll);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => process.exit(128 + constants.signals[signal]));
  }
}

/** An empty directory that is removed after the case, its path short enough for sockets. */
export function scratchDirectory(base = '/tmp'): string {
  const path = realpathSync(mkdtempSync(join(base, 'devchat-chaos-')));
  undoLater(() => rmSync(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 }));
  return path;
}
