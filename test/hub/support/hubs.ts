import { randomUUID } from 'node:crypto';
import { type Hub, startHub } from '../../../src/hub/hub.ts';
import type { Limits } from '../../../src/hub/limits.ts';
import { createToken } from '../../../src/hub/tokens.ts';
import { HubClient } from './client.ts';
import { type TestDatabase, useDatabase } from './postgres.ts';

/** A hub of a test, and what it has logged. */
export interface TestHub extends Hub {
  log: string[];
}

/** Hubs on one database, and clients of them; all end with the test. */
export interface TestHubs {
  readonly database: TestDatabase;
  /** Starts another hub. */
  start(limits?: Partial<Limits>, databaseUrl?: string): Promise<TestHub>;
  /** A token for a workspace, by default a new one. */
  token(workspace?: string, user?: string): Promise<string>;
  /** A client that is welcome; without a token, in a workspace of its own. */
  connect(hub: Hub, token?: string, clientId?: string): Promise<HubClient>;
  /** A client that has not said hello. */
  dial(hub: Hub, token: string): Promise<HubClient>;
  /** Has something done after the test. */
  defer(cleanup: () => unknown): void;
}

/** Gives the tests of the enclosing suite hubs on one database. */
export function useHubs(): TestHubs {
  const database = useDatabase();
  const cleanups: (() => unknown)[] = [];
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });
  return {
    database,
    async start(limits = {}, databaseUrl = database.hubUrl) {
      const log: string[] = [];
      const hub = await startHub({
        databaseUrl,
        host: '127.0.0.1',
        port: 0,
        limits,
        logTo: { write: (line) => log.push(line) },
      });
      let closed: Promise<void> | undefined;
      const close = () => {
        closed ??= hub.close();
        return closed;
      };
      cleanups.push(close);
      return { url: hub.url, close, log };
    },
    token: (workspace = randomUUID(), user = 'ann') => createToken(database.owner, workspace, user),
    async connect(hub, token, clientId) {
      const client = await this.dial(hub, token ?? (await this.token()));
      await client.hello(clientId);
      return client;
    },
    async dial(hub, token) {
      const client = await HubClient.dial(hub.url, token);
      cleanups.push(() => client.socket.terminate());
      return client;
    },
    defer: (cleanup) => void cleanups.push(cleanup),
  };
}

/** What the hub answers to a GET. */
export async function get<T>(hub: Hub, path: string, token?: string): Promise<{ status: number; body: T }> {
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const response = await fetch(`${hub.url}${path}`, { headers });
  const text = await response.text();
  return { status: response.status, body: text.startsWith('{') ? JSON.parse(text) : text };
}

/** A figure of the hub's metrics. */
export async function metric(hub: Hub, name: string): Promise<number> {
  const { body } = await get<string>(hub, '/metrics');
  const line = body
    .split('\n')
    .find((candidate) => candidate.startsWith(`${name} `) || candidate.startsWith(`${name}{`));
  return Number(line?.split(' ').at(-1) ?? 0);
}
