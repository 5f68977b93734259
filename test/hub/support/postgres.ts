import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { type EmbeddedPostgres, startEmbedded } from '../../../src/hub/embedded/embedded.ts';
import { migrate } from '../../../src/hub/migrate.ts';

let server: EmbeddedPostgres | undefined;
let folder = '';

/** Starts the PostgreSQL of this run; mocha calls it once. */
export async function mochaGlobalSetup(): Promise<void> {
  folder = mkdtempSync(join(tmpdir(), 'devchat-hub-'));
  server = await startEmbedded(folder);
}

export async function mochaGlobalTeardown(): Promise<void> {
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
}

/** A database of the run's PostgreSQL. */
export interface TestDatabase {
  ownerUrl: string;
  hubUrl: string;
  /** A connection of the owner, for tokens and for looking. */
  owner: pg.Client;
}

/** Gives all tests of the enclosing suite one database; without a schema if `to` is 0. */
export function useDatabase({ to }: { to?: number } = {}): TestDatabase {
  const database = { ownerUrl: '', hubUrl: '' } as TestDatabase;
  const name = `test_${randomBytes(6).toString('hex')}`;
  before(async () => {
    if (!server) throw new Error('PostgreSQL is not running: run mocha with test/hub/.mocharc.json.');
    await administer(server.ownerUrl, `CREATE DATABASE ${name}`);
    database.ownerUrl = withDatabase(server.ownerUrl, name);
    database.hubUrl = withDatabase(server.hubUrl, name);
    if (to !== 0) await migrate(database.ownerUrl, { login: 'devchat_login' });
    database.owner = new pg.Client(database.ownerUrl);
    await database.owner.connect();
  });
  after(async () => {
    await database.owner.end();
    if (server) await administer(server.ownerUrl, `DROP DATABASE ${name} WITH (FORCE)`);
  });
  return database;
}

async function administer(url: string, statement: string): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  await client.query(statement);
  await client.end();
}

function withDatabase(url: string, name: string): string {
  return Object.assign(new URL(url), { pathname: `/${name}` }).href;
}
