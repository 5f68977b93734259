import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { DevChatError } from '../protocol/errors.ts';

/** One mounted file system: where, and of which type as the kernel names it. */
export interface Mount {
  point: string;
  type: string;
}

/** File systems on which SQLite's shared memory or locks do not work between machines. */
const networkTypes =
  /^(nfs\d?|cifs|smb\w*|afs\w*|9p|ceph|glusterfs|lustre|ncpfs|webdav|davfs|vboxsf|vmhgfs|fuse\.(sshfs|vmhgfs-fuse|rclone|s3fs|gcsfuse|davfs2?|glusterfs|ceph))$/;

/** The mounts in a Linux `/proc/self/mountinfo`. */
export function parseMountInfo(text: string): Mount[] {
  return text.split('\n').flatMap((line) => {
    const [left, right] = line.split(' - ');
    const point = left?.split(' ')[4];
    const type = right?.split(' ')[0];
    // The kernel writes blanks and backslashes in paths as octal escapes.
    const unescaped = point?.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)));
    return unescaped && type ? [{ point: unescaped, type }] : [];
  });
}

/** The mounts in the output of macOS's `mount`. */
export function parseMountCommand(text: string): Mount[] {
  return text.split('\n').flatMap((line) => {
    const match = /^.*? on (\/.*) \((\w+)/.exec(line);
    return match?.[1] && match[2] ? [{ point: match[1], type: match[2] }] : [];
  });
}

/** The mounts of this machine; none where the platform has no table of them. */
export function currentMounts(): Mount[] {
  if (process.platform === 'linux') return parseMountInfo(readFileSync('/proc/self/mountinfo', 'utf8'));
  if (process.platform === 'darwin') return parseMountCommand(execFileSync('/sbin/mount', { encoding: 'utf8' }));
  return [];
}

/**
 * Which network file system a directory is on.
 * @param directory absolute, with links resolved
 * @returns the type as the kernel names it; undefined on a disk of this machine
 */
export function networkTypeOf(directory: string, mounts: readonly Mount[]): string | undefined {
  const mount = mounts
    .filter(({ point }) => directory === point || directory.startsWith(point.endsWith('/') ? point : `${point}/`))
    // A later mount on the same point hides the earlier one, hence >=.
    .reduce<Mount | undefined>(
      (best, next) => (!best || next.point.length >= best.point.length ? next : best),
      undefined,
    );
  const type = directory.startsWith('\\\\') ? 'smb' : mount?.type;
  return type && networkTypes.test(type) ? type : undefined;
}

/**
 * Refuses a directory on a network file system, where write-ahead logging loses data.
 * @param directory absolute, with links resolved
 * @throws {DevChatError} `network-file-system`
 */
export function assertLocalFileSystem(directory: string, mounts: readonly Mount[]): void {
  const type = networkTypeOf(directory, mounts);
  if (type === undefined) return;
  throw new DevChatError(
    'network-file-system',
    `The chat database cannot live on a network file system (${type}) in ${directory}: windows on two machines would ` +
      'lose each other’s messages. Choose a local place: set “devchat.database.location” to “user”, or point ' +
      'DEVCHAT_HOME to a folder on a local disk.',
  );
}
