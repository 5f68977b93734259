import type { AddressInfo } from 'node:net';
import { DevChatError } from '../protocol/errors.ts';
import type { StreamPiece } from '../protocol/model.ts';
import { head } from './changes.ts';
import { Database } from './database.ts';
import { DEFAULT_LIMITS, type Limits } from './limits.ts';
import { createMetrics } from './metrics.ts';
import { schemaVersion } from './migrate.ts';
import { migrations } from './migrations.ts';
import { Notifications, RETRY_DELAY } from './notifications.ts';
import { removeOldEvents } from './retention.ts';
import { createServer } from './server.ts';
import { Session } from './session.ts';
import { Sessions } from './sessions.ts';
import { revokedOf } from './tokens.ts';

/** Where a hub listens and what it works on. */
export interface HubSettings {
  /** PostgreSQL, by a login that may become the hub's role. The schema must be there. */
  databaseUrl: string;
  host: string;
  /** 0 for any free one. */
  port: number;
  limits?: Partial<Limits>;
  logTo: { write(line: string): void };
}

/** A running hub. */
export interface Hub {
  /** Where it listens, as `http://…`. */
  url: string;
  /** Lets requests end, tells the clients, and stops. */
  close(): Promise<void>;
}

/**
 * Starts a hub process's work. It keeps nothing that the database does not have, so any number may share one.
 * @throws {DevChatError} `refused` when row-level security would not bind it, `newer-database`
 */
export async function startHub({ databaseUrl, host, port, logTo, ...settings }: HubSettings): Promise<Hub> {
  const limits = { ...DEFAULT_LIMITS, ...settings.limits };
  await assertSchema(databaseUrl);
  const database = new Database(databaseUrl, limits.statementTimeout, (error) =>
    server.log.warn({ err: error }, 'database connection lost'),
  );
  const sessions = new Sessions(limits);
  let isClosing = false;
  const metrics = createMetrics({
    sessions: () => sessions.all.length,
    sendQueueBytes: () => sessions.all.reduce((sum, { sendQueueBytes }) => sum + sendQueueBytes, 0),
    databaseWaiting: () => database.waiting,
    isListening: () => notifications.isListening,
  });
  const changed = (workspaceId: string, latestSequence: number) => {
    sessions.hint(workspaceId, latestSequence);
    notifications.announce(workspaceId, latestSequence);
  };
  const streamed = (from: Session, piece: StreamPiece) => sessions.relay(from, piece);
  const server = createServer({
    database,
    sessions,
    limits,
    metrics,
    logTo,
    open(webSocket, identity) {
      if (isClosing) webSocket.terminate();
      else
        sessions.add(
          new Session(webSocket, identity, { database, limits, metrics, log: server.log, changed, streamed }),
        );
    },
  });
  const notifications = new Notifications(databaseUrl, database, limits, server.log, {
    changed: (workspaceId, latestSequence) => sessions.hint(workspaceId, latestSequence),
    revoked: (tokenId) => sessions.endTokens([tokenId]),
    connected: () => void catchUp(),
  });
  /** After hints may have been lost: tells everybody how far the logs are now. */
  async function catchUp(): Promise<void> {
    try {
      await endRevoked();
      for (const member of sessions.members) {
        sessions.catchUp(member.workspaceId, await head(database, member));
      }
    } catch (error) {
      server.log.warn({ err: error }, 'catching up failed');
      if (!isClosing) setTimeout(() => void catchUp(), RETRY_DELAY);
    }
  }

  async function endRevoked(): Promise<void> {
    const tokenIds = new Set(sessions.all.map(({ identity }) => identity.tokenId));
    if (tokenIds.size > 0) sessions.endTokens(await revokedOf(database, [...tokenIds]));
  }

  /** Of the workspaces with sessions here; another one's log does not grow. */
  async function cleanUp(): Promise<void> {
    for (const member of sessions.members) {
      metrics.removedEvents.inc(await removeOldEvents(database, member, limits.retention));
    }
  }

  const repeat = (interval: number, task: () => Promise<void>) =>
    setInterval(() => void task().catch((error) => server.log.warn({ err: error }, 'chore failed')), interval);
  const chores: NodeJS.Timeout[] = [];
  const close = async () => {
    isClosing = true;
    for (const chore of chores) clearInterval(chore);
    await Promise.all([sessions.endAll('going_away', 'The hub is stopping. Connect again.'), server.close()]);
    await notifications.close();
    await database.close();
  };
  try {
    await database.assertBound();
    await notifications.listen();
    await server.listen({ host, port });
  } catch (error) {
    await close();
    throw error;
  }
  chores.push(repeat(limits.tokenCheckInterval, endRevoked), repeat(limits.cleanUpInterval, cleanUp));
  return { url: urlOf(server.server.address() as AddressInfo), close };
}

async function assertSchema(databaseUrl: string): Promise<void> {
  const version = await schemaVersion(databaseUrl);
  if (version === migrations.length) return;
  throw version > migrations.length
    ? new DevChatError('newer-database', 'The database was made by a newer version of the hub. Update this one.')
    : new DevChatError('refused', 'The database is not prepared. Run “devchat hub migrate” as its owner.');
}

function urlOf({ address, family, port }: AddressInfo): string {
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}
