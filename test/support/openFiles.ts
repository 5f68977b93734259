import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

const DESCRIPTORS = '/proc/self/fd';

/** Files that this process has open below a directory, and sockets that any process has there; none but on Linux. */
export function openBelow(directory: string): string[] {
  if (process.platform !== 'linux') return [];
  const sockets = readFileSync('/proc/net/unix', 'utf8')
    .split('\n')
    .map((line) => line.slice(line.indexOf('/')));
  const files = readdirSync(DESCRIPTORS).map(target);
  return [...files, ...sockets].filter((path) => path.startsWith(`${directory}/`));
}

function target(descriptor: string): string {
  try {
    return readlinkSync(`${DESCRIPTORS}/${descriptor}`);
  } catch {
    // By this one the directory itself was read.
    return '';
  }
}
