import { readdirSync, readFileSync } from 'node:fs';

/** Process ids of the running instances whose data directory is `devchatHome`; Linux only. */
export function instancePids(devchatHome: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const isInstance = readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('instance.cjs');
        return isInstance && readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`DEVCHAT_HOME=${devchatHome}`);
      } catch {
        // The process has ended since it was listed.
        return false;
      }
    })
    .map(Number);
}

/**
 * Sends a signal to the running instances whose data directory is `devchatHome`.
 * @returns the process ids of those that it reached; one may end after it was listed
 */
export function signalInstances(devchatHome: string, signal: NodeJS.Signals): number[] {
  return instancePids(devchatHome).filter((pid) => {
    try {
      return process.kill(pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
      throw error;
    }
  });
}
