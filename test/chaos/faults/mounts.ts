import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { undoLater } from '../fleet/cleanup.ts';

/** Runs a program of the system, silently. */
export function run(command: string, ...programArguments: string[]): string {
  return execFileSync(command, programArguments, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/**
 * Mounts something on a new directory, until the case ends or the function that is returned is called.
 * @throws when this user or system cannot mount
 */
export function mount(directory: string, what: readonly string[]): () => void {
  mkdirSync(directory, { recursive: true });
  run('mount', ...what, directory);
  const unmount = () => {
    forget();
    run('umount', directory);
  };
  // Whoever still has a file open there does not keep the mount.
  const forget = undoLater(() => run('umount', '--lazy', directory));
  return unmount;
}

/** Why nothing can be mounted here, in words; undefined when it can. */
export function mountProblem(): string | undefined {
  if (process.platform !== 'linux') return 'mounting file systems is known here for Linux only';
  return process.getuid?.() === 0 ? undefined : 'mounting file systems needs root';
}
