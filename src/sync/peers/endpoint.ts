import { randomBytes } from 'node:crypto';
import { lstatSync, mkdirSync, type Stats, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DevChatError, errorText } from '../../protocol/errors.ts';

/** Longest socket path in bytes: the kernel's field has 108, and older Node versions cut silently. */
const MAX_PATH = 100;

/** The directories in which sockets may lie, best first. */
export function socketDirectories(
  env: NodeJS.ProcessEnv = process.env,
  uid: number = process.getuid?.() ?? 0,
): string[] {
  const runtime = env['XDG_RUNTIME_DIR'];
  const candidates = [join(tmpdir(), `devchat-${uid}`), join('/tmp', `devchat-${uid}`)];
  return runtime ? [join(runtime, 'devchat'), ...candidates] : candidates;
}

/**
 * A new endpoint to listen on: random, so that a stale socket is never in the way and a pipe cannot be guessed.
 * @throws {DevChatError} `unexpected` when no directory is both short and private to this user
 */
export function newEndpoint(
  directories: readonly string[] = socketDirectories(),
  platform: NodeJS.Platform = process.platform,
): string {
  const name = randomBytes(16).toString('hex');
  if (platform === 'win32') return `\\\\.\\pipe\\devchat-${name}`;
  const problems: string[] = [];
  for (const directory of directories) {
    const path = join(directory, `${name.slice(0, 20)}.sock`);
    const problem = Buffer.byteLength(path) > MAX_PATH ? 'its path is too long' : privacyProblem(directory);
    if (!problem) return path;
    problems.push(`${directory}: ${problem}`);
  }
  throw new DevChatError(
    'unexpected',
    `No private directory for sockets was found, so other windows are reached slowly (${problems.join('; ')}).`,
  );
}

/**
 * Whether a name may be an endpoint of an instance. The registry is a table that others can write: it must lead neither
 * to the pipe of another machine, which would be given this user's credentials, nor to another program's socket.
 */
export function isEndpoint(name: string, platform: NodeJS.Platform = process.platform): boolean {
  if (platform === 'win32') return /^\\\\\.\\pipe\\devchat-[0-9a-f]{32}$/.test(name);
  return /^\/(?:.*\/)?[0-9a-f]{20}\.sock$/.test(name) && Buffer.byteLength(name) <= MAX_PATH;
}

/** Why a directory is not safe for sockets, or undefined when it is; a missing one is made. */
function privacyProblem(directory: string): string | undefined {
  let stats: Stats;
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    // lstat, not stat: a link would lead to a place that somebody else controls.
    stats = lstatSync(directory);
  } catch (error) {
    return errorText(error);
  }
  if (!stats.isDirectory()) return 'it is not a directory';
  if (stats.uid !== process.getuid?.()) return 'it belongs to another user';
  if ((stats.mode & 0o077) !== 0) return 'other users have access to it';
  return undefined;
}

/** Removes the socket that a dead instance left behind, and nothing that is not a socket. */
export function removeStaleSocket(endpoint: string): void {
  if (process.platform === 'win32') return;
  if (lstatSync(endpoint, { throwIfNoEntry: false })?.isSocket()) unlinkSync(endpoint);
}
