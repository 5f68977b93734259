import type pg from 'pg';
import { DevChatError } from '../protocol/errors.ts';
import { withConnection } from './connect.ts';
import { type EmbeddedPostgres, startEmbedded } from './embedded/embedded.ts';
import { startHub } from './hub.ts';
import { type Migrated, migrate, schemaVersion } from './migrate.ts';
import { migrations } from './migrations.ts';
import { createToken, listTokens, revokeToken, type TokenRecord } from './tokens.ts';

export type { Migrated, TokenRecord };

/** Which PostgreSQL a command works on. */
export interface DatabasePlace {
  /** A server; without it, the one that belongs to the hub. */
  url: string | undefined;
  /** Where the data of the hub's own server lies. */
  folder: string;
}

/** What a hub says of itself when it runs. */
export interface Started {
  url: string;
  /** Folder of the hub's own PostgreSQL; null for a server elsewhere. */
  data: string | null;
  /** A token for the first user, made when there was none at all; told only this once. */
  token: string | null;
}

/**
 * Runs a hub until it is told to stop.
 * @param started called once, when the hub serves
 * @param stopped resolves when the hub is to stop
 */
export async function runHub(
  { place, host, port, user }: { place: DatabasePlace; host: string; port: number; user: string },
  started: (state: Started) => void,
  stopped: Promise<void>,
): Promise<void> {
  const database = await openDatabase(place);
  let isServing = false;
  try {
    if ((await schemaVersion(database.ownerUrl)) < migrations.length) await migrate(database.ownerUrl);
    const hub = await startHub({ databaseUrl: database.hubUrl, host, port, logTo: process.stderr });
    isServing = true;
    try {
      const isOwn = place.url === undefined;
      const token = isOwn ? await withConnection(database.ownerUrl, (sql) => firstToken(sql, user)) : null;
      started({ url: hub.url, data: isOwn ? place.folder : null, token });
      await stopped;
    } finally {
      await hub.close();
    }
  } finally {
    // Also one that a killed hub left running; but not under the feet of a hub because of which this one did not start.
    if (isServing || !database.wasRunning) await database.stop();
  }
}

/** Makes a token for a user of a workspace, which is made if need be; the token is told only this once. */
export function addToken(place: DatabasePlace, workspace: string, user: string): Promise<string> {
  return withOwner(place, (sql) => createToken(sql, workspace, user));
}

export function tokens(place: DatabasePlace): Promise<TokenRecord[]> {
  return withOwner(place, listTokens);
}

/**
 * Makes a token invalid and ends its sessions.
 * @throws {DevChatError} `not-found`
 */
export async function removeToken(place: DatabasePlace, id: string): Promise<void> {
  const found = await withOwner(place, (sql) => revokeToken(sql, id));
  if (!found) throw new DevChatError('not-found', `There is no token ${id}. “devchat hub token list” shows them all.`);
}

/** Brings the schema to a version, by default the newest, and lets a role log in for the hub. */
export function migrateTo(
  place: DatabasePlace,
  options: { to?: number | undefined; login?: string | undefined },
): Promise<Migrated> {
  return withDatabase(place, (ownerUrl) => migrate(ownerUrl, options));
}

async function firstToken(sql: pg.Client, user: string): Promise<string | null> {
  const known = await listTokens(sql);
  return known.length === 0 ? createToken(sql, 'default', user) : null;
}

function withOwner<T>(place: DatabasePlace, work: (sql: pg.Client) => Promise<T>): Promise<T> {
  return withDatabase(place, (ownerUrl) => withConnection(ownerUrl, work));
}

async function withDatabase<T>(place: DatabasePlace, work: (ownerUrl: string) => Promise<T>): Promise<T> {
  const database = await openDatabase(place);
  try {
    return await work(database.ownerUrl);
  } finally {
    if (!database.wasRunning) await database.stop();
  }
}

async function openDatabase({ url, folder }: DatabasePlace): Promise<EmbeddedPostgres> {
  if (url === undefined) return startEmbedded(folder);
  return { ownerUrl: url, hubUrl: url, wasRunning: true, stop: async () => undefined };
}
