import type { FastifyBaseLogger as Log } from 'fastify';
import pg from 'pg';
import { connectionSettings, type Database } from './database.ts';
import type { Limits } from './limits.ts';

/** Carries `workspace:number` pairs, separated by commas: something new is to be pulled. */
export const CHANGES_CHANNEL = 'devchat_changes';

/** Carries the id of a token that was revoked. */
export const TOKENS_CHANNEL = 'devchat_tokens';

/** Pairs in one notification, which PostgreSQL limits to 8,000 bytes. */
const MAX_PAIRS = 100;

/** Pause before another attempt, in ms. */
export const RETRY_DELAY = 500;

/** Whom the notifications are told. */
export interface NotificationEvents {
  changed(workspaceId: string, latestSequence: number): void;
  revoked(tokenId: string): void;
  /** The connection was made, for the first time or again: anything may have been missed before. */
  connected(): void;
}

/**
 * Hints from one hub process to all of them, by LISTEN and NOTIFY. A hint may be lost, late, or come twice: nothing but
 * its speed depends on it.
 */
export class Notifications {
  readonly #connectionString: string;
  readonly #database: Database;
  readonly #limits: Limits;
  readonly #log: Log;
  readonly #events: NotificationEvents;
  readonly #pending = new Map<string, number>();
  #announcing: Promise<void> | undefined;
  #client: pg.Client | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(connectionString: string, database: Database, limits: Limits, log: Log, events: NotificationEvents) {
    this.#connectionString = connectionString;
    this.#database = database;
    this.#limits = limits;
    this.#log = log;
    this.#events = events;
  }

  /** Whether hints of other hub processes arrive at present. */
  get isListening(): boolean {
    return this.#client !== undefined;
  }

  /** Listens, and goes on listening on a new connection whenever one ends or falls silent. */
  async listen(): Promise<void> {
    if (this.#closed) return;
    const client = new pg.Client(connectionSettings(this.#connectionString, this.#limits.listenTimeout));
    client.on('error', (error) => this.#failed(error));
    client.on('notification', ({ channel, payload }) => this.#receive(channel, payload ?? ''));
    client.on('end', () => this.#ended(client));
    try {
      await client.connect();
      await client.query(`LISTEN ${CHANGES_CHANNEL}; LISTEN ${TOKENS_CHANNEL}`);
      if (this.#closed) return await client.end();
      this.#client = client;
      this.#events.connected();
      this.#scheduleProbe(client);
    } catch (error) {
      this.#failed(error);
      this.#retry();
      await client.end().catch((failure) => this.#failed(failure));
    }
  }

  /**
   * Tells all hubs, this one too, that a workspace has new events. What comes while a notification is under way goes
   * with the next one, a workspace once: under load there are few. Not in the writer's transaction, because PostgreSQL
   * lets only one transaction that notifies commit at a time.
   */
  announce(workspaceId: string, latestSequence: number): void {
    this.#pending.set(workspaceId, Math.max(latestSequence, this.#pending.get(workspaceId) ?? 0));
    this.#announcing ??= this.#announceAll().finally(() => {
      this.#announcing = undefined;
    });
  }

  /** Ends, after what is to be announced was. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#announcing;
    await this.#client?.end();
  }

  async #announceAll(): Promise<void> {
    while (this.#pending.size > 0) {
      const pairs = [...this.#pending].slice(0, MAX_PAIRS);
      for (const [workspaceId] of pairs) this.#pending.delete(workspaceId);
      const payload = pairs.map((pair) => pair.join(':')).join(',');
      await this.#database
        .query('SELECT pg_notify($1, $2)', [CHANGES_CHANNEL, payload])
        .catch((error) => this.#failed(error));
    }
  }

  #receive(channel: string, payload: string): void {
    if (channel === TOKENS_CHANNEL) this.#events.revoked(payload);
    else for (const pair of payload.split(',')) this.#tell(pair);
  }

  #tell(pair: string): void {
    const [workspaceId = '', latestSequence] = pair.split(':');
    this.#events.changed(workspaceId, Number(latestSequence));
  }

  /** Asks for a sign of life on the very connection that the hints come on: a half-open one says nothing by itself. */
  async #probe(client: pg.Client): Promise<void> {
    try {
      await client.query('SELECT 1');
      if (this.#client === client) this.#scheduleProbe(client);
    } catch (error) {
      this.#failed(error);
      this.#ended(client);
      await client.end().catch((failure) => this.#failed(failure));
    }
  }

  #scheduleProbe(client: pg.Client): void {
    this.#timer = setTimeout(() => void this.#probe(client), this.#limits.listenHeartbeat);
  }

  #ended(client: pg.Client): void {
    if (this.#client !== client) return;
    this.#client = undefined;
    this.#retry();
  }

  #failed(error: unknown): void {
    this.#log.warn({ err: error }, 'notifications');
  }

  #retry(): void {
    if (this.#closed) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.listen(), RETRY_DELAY);
  }
}
