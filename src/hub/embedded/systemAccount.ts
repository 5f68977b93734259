import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { DevChatError } from '../../protocol/errors.ts';

const run = promisify(execFile);

/** The account that PostgreSQL runs under where root starts it. */
const NAME = 'postgres';

/** A user of the system. */
export interface Account {
  uid: number;
  gid: number;
}

/**
 * The account for PostgreSQL, which refuses to run as root; made if there is none. Undefined for any other user, who runs
 * it under the own account.
 * @throws {DevChatError} `refused` when none can be made
 */
export async function systemAccount(): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  try {
    return await accountOf(NAME).catch(async () => {
      await run('useradd', ['--system', '--user-group', '--no-create-home', '--shell', '/usr/sbin/nologin', NAME]);
      return accountOf(NAME);
    });
  } catch (cause) {
    const message =
      `PostgreSQL does not run as root, and no account “${NAME}” could be made for it. ` +
      'Start the hub as another user, or set DATABASE_URL.';
    throw new DevChatError('refused', message, { cause });
  }
}

async function accountOf(name: string): Promise<Account> {
  const [uid, gid] = await Promise.all(
    ['-u', '-g'].map(async (flag) => Number((await run('id', [flag, name])).stdout)),
  );
  return { uid: Number(uid), gid: Number(gid) };
}
