import { userInfo } from 'node:os';
import { join } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import type { DatabasePlace, Started, TokenRecord } from '../hub/main.ts';
import { dataDir } from '../store/dataDir.ts';
import { idFrom } from './ids.ts';

type Print = <T>(value: T, toText: (value: T) => string) => void;

/** The hub and its libraries are loaded only for its own commands. */
const load = () => import('../hub/main.ts');

/** Adds `devchat hub` and its commands. */
export function addHubCommands(program: Command, print: Print): void {
  const hub = program
    .command('hub')
    .description('serve a team’s histories, on DATABASE_URL or a PostgreSQL of its own')
    .option('--host <address>', 'the address to listen on; keep it behind a proxy with TLS', '127.0.0.1')
    .option('--port <number>', 'the port to listen on', portFrom, 4870)
    .action(async ({ host, port }: { host: string; port: number }) => {
      const stopped = new Promise<void>((resolve) => {
        process.once('SIGINT', resolve);
        process.once('SIGTERM', resolve);
      });
      const { runHub } = await load();
      await runHub(
        { place: place(), host, port, user: userInfo().username },
        (state) => print(state, welcome),
        stopped,
      );
    });
  hub
    .command('migrate')
    .description('prepare the database, as its owner; the hub does so itself where it may')
    .option('--to <version>', 'the version of the schema; 0 removes all of it', versionFrom)
    .option('--login <role>', 'the role that the hub will log in as')
    .action(async (options: { to?: number; login?: string }) => {
      const { migrateTo } = await load();
      print(await migrateTo(place(), options), ({ from, to }) => `Schema: version ${from} → ${to}`);
    });
  const token = hub.command('token').description('who may connect to the hub');
  token
    .command('create <workspace> <user>')
    .description('make a token; it is shown only now')
    .action(async (workspace: string, user: string) => {
      const { addToken } = await load();
      print({ token: await addToken(place(), workspace, user) }, (created) => created.token);
    });
  token
    .command('list')
    .description('all tokens, without their secrets')
    .action(async () => print(await (await load()).tokens(place()), tokenList));
  token
    .command('revoke <id>')
    .description('make a token invalid and end its sessions')
    .action(async (text: string) => {
      const id = idFrom(text);
      await (await load()).removeToken(place(), id);
      print({ id }, () => 'Revoked.');
    });
}

function place(): DatabasePlace {
  // The home of root is closed to the account that PostgreSQL runs under; what serves a machine lies here anyway.
  const isSystem = process.getuid?.() === 0 && !process.env['DEVCHAT_HOME'];
  const folder = join(isSystem ? '/var/lib/devchat' : dataDir(), 'hub');
  return { url: process.env['DATABASE_URL'] || undefined, folder };
}

function portFrom(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new InvalidArgumentError('It must be a number from 0 to 65535.');
}

function versionFrom(text: string): number {
  if (/^\d{1,4}$/u.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a number.');
}

function welcome({ url, data, token }: Started): string {
  const first = `Token for the workspace “default”, shown only now:  ${token}`;
  return [
    `The hub serves at ${url}`,
    `Data: ${data ?? 'the server of DATABASE_URL'}`,
    ...(token === null ? [] : [first]),
    'Further tokens: devchat hub token create <workspace> <user>',
    'Press Ctrl-C to stop.',
  ].join('\n');
}

function tokenList(tokens: readonly TokenRecord[]): string {
  if (tokens.length === 0) return 'There are no tokens.';
  return tokens
    .map(({ id, workspace, user, createdAt, revokedAt }) => {
      const state = revokedAt === null ? '' : `  revoked ${new Date(revokedAt).toISOString()}`;
      return `${id}  ${workspace}  ${user}  ${new Date(createdAt).toISOString()}${state}`;
    })
    .join('\n');
}
