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
