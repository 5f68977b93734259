import * as v from 'valibot';
import { type Ingest, startIngest } from '../ingest/ingest.ts';
import { DevChatError, errorText, hasReason } from '../protocol/errors.ts';
import { type IngestHealth, IngestSettings, type IngestWish } from '../protocol/ingest.ts';
import { type Log, withPrefix } from '../protocol/log.ts';
import type { IngestLeaderMethod } from '../protocol/peer.ts';
import { type Params, type Results, requestParams } from '../protocol/rpc.ts';
import type { Database } from '../store/database.ts';
import type { LeaderRecord } from '../store/leader.ts';
import { wait } from '../sync/chat/timers.ts';
import { type Cancel, systemClock } from '../sync/clock.ts';

/** Shortest time between two things that are told of ingestion, in ms. */
const TELL_INTERVAL = 250;

/** How often a request looks for a leader, and the pauses between, in ms. */
const ATTEMPTS = 150;
const RETRY = 200;

/** What ingestion needs of the workspace around it. */
export interface IngestionPorts {
  db: Database;
  log: Log;
  /** What the clients of the connected peers want to be read. */
  wishes(): IngestWish[];
  /** Tells the peers what this instance's client wants to be read. */
  wishFor(wish: IngestWish | null): void;
  /**
   * Asks the leader, which is another instance.
   * @throws {DevChatError} what it answered; `not-leader` when it cannot be reached
   */
  askLeader(method: IngestLeaderMethod, params: unknown): Promise<unknown>;
  /** Called after every commit. */
  committed(): void;
  /** Called when ingestion fares otherwise than before, four times a second at most; null when it has ended. */
  told(health: IngestHealth | null): void;
}

/** Enough for what is named one by one. */
const onlyImports: IngestWish = { folders: [], settings: v.parse(IngestSettings, { sources: [] }) };

/** What the leader does when it is asked. */
const tasks: { [M in IngestLeaderMethod]: (ingest: Ingest, params: Params<M>) => Promise<Results[M]> | Results[M] } = {
  'ingest/status': (ingest) => ingest.health(),
  'ingest/import': (ingest, { paths }) => (paths === undefined ? ingest.rescan() : ingest.import(paths)),
  'ingest/rescan': (ingest) => ingest.rescan(),
  'ingest/cancel': (ingest) => {
    ingest.cancel();
    return null;
  },
};

/**
 * The reading of transcripts as one instance takes part in it: the leader reads what its own client and those of its
 * peers want to be read; all others pass on to it what they are asked.
 */
export class Ingestion {
  readonly #ports: IngestionPorts;
  #wish: IngestWish | null;
  #leadership: LeaderRecord | undefined;
  #running: Ingest | undefined;
  /** What `#running` was started for, as JSON. */
  #startedFor = '';
  /** Starts and stops, one after the other. */
  #changing: Promise<void> = Promise.resolve();
  /** What was told last, as JSON; undefined before anything was under this leadership. */
  #told: string | undefined;
  #isTold = true;
  #telling: Cancel | undefined;
  readonly #closing = new AbortController();

  constructor(ports: IngestionPorts, wish: IngestWish | null) {
    this.#ports = ports;
    this.#wish = wish;
    ports.wishFor(wish);
  }

  /** Begins to read, or to read something else, or ends. */
  wishFor(wish: IngestWish | null): void {
    this.#wish = wish;
    this.#ports.wishFor(wish);
    this.look();
  }

  /** This instance leads from now on; with undefined, it no longer does. */
  lead(leadership: LeaderRecord | undefined): void {
    this.#leadership = leadership;
    this.#told = undefined;
    this.look();
  }

  /** Reads what is wanted now. To be called whenever the wishes of peers may be others. */
  look(): void {
    const wanted = this.#wanted();
    const key = JSON.stringify([this.#leadership?.epoch, wanted]);
    if (key === this.#startedFor) return;
    this.#startedFor = key;
    this.#changing = this.#changing.then(() => this.#restart(wanted));
  }

  /**
   * Does something as the leader, or has the leader do it; when that one goes, its successor.
   * @throws {DevChatError} of the work itself; `timeout` when no leader can be reached
   */
  async ask<M extends IngestLeaderMethod>(method: M, params: Params<M>): Promise<Results[M]> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#askOnce(method, params);
      } catch (error) {
        if (!hasReason(error, 'not-leader') || this.#isClosed) throw error;
      }
      if (attempt === ATTEMPTS)
        throw new DevChatError('timeout', 'The window that reads transcripts cannot be reached.');
      await wait(systemClock, RETRY, this.#closing.signal);
    }
  }

  /** How ingestion is doing; null where nothing is read, or nobody can tell. */
  async status(): Promise<IngestHealth | null> {
    try {
      return await this.#askOnce('ingest/status', {});
    } catch (error) {
      if (hasReason(error, 'not-leader')) return null;
      throw error;
    }
  }

  /**
   * Does, as the leader, what an instance asks.
   * @throws {DevChatError} `not-leader`, `bad-request`, and those of the work itself
   */
  async answer<M extends IngestLeaderMethod>(method: M, params: unknown): Promise<Results[M]> {
    const checked = v.safeParse(requestParams[method] as v.GenericSchema<unknown, Params<M>>, params);
    if (!checked.success) throw new DevChatError('bad-request', `${method}: ${checked.issues[0].message}`);
    if (!this.#leadership) throw new DevChatError('not-leader', 'Another window reads transcripts now.');
    await this.#changing;
    if (!this.#running && method === 'ingest/status') return null as Results[M];
    if (!this.#running) await this.#start(onlyImports);
    if (!this.#running) throw new DevChatError('unexpected', 'Transcripts cannot be read at present. See the log.');
    return tasks[method](this.#running, checked.output);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#telling?.();
    await this.#changing;
    await this.#running?.close();
  }

  get #isClosed(): boolean {
    return this.#closing.signal.aborted;
  }

  async #askOnce<M extends IngestLeaderMethod>(method: M, params: Params<M>): Promise<Results[M]> {
    if (this.#leadership) return this.answer(method, params);
    return (await this.#ports.askLeader(method, params)) as Results[M];
  }

  /** What is to be read: the folders of all, in the way that one's own client wants, or else another's. */
  #wanted(): IngestWish | undefined {
    const wishes = [...(this.#wish ? [this.#wish] : []), ...this.#ports.wishes()];
    const settings = wishes[0]?.settings;
    if (!this.#leadership || !settings || settings.sources.length + settings.directories.length === 0) return undefined;
    return { folders: [...new Set(wishes.flatMap(({ folders }) => folders))].sort(), settings };
  }

  async #restart(wanted: IngestWish | undefined): Promise<void> {
    const before = this.#running;
    this.#running = undefined;
    await before?.close();
    if (wanted) await this.#start(wanted);
    this.#tell();
  }

  async #start({ folders, settings }: IngestWish): Promise<void> {
    const { db, log, committed } = this.#ports;
    const leader = this.#leadership;
    if (!leader || this.#isClosed) return;
    try {
      this.#running = await startIngest({
        ...{ db, leader, folders, settings, log: withPrefix(log, 'ingest') },
        onCommitted: () => {
          committed();
          this.#tell();
        },
        onHealthChanged: () => this.#tell(),
      });
    } catch (error) {
      log('error', `ingest: transcripts cannot be read: ${errorText(error)}`);
    }
  }

  /** Tells at once how ingestion is doing, and what comes soon after that a little later, together. */
  #tell(): void {
    this.#isTold = false;
    if (!this.#telling) this.#tellNow();
  }

  #tellNow(): void {
    if (this.#isTold || this.#isClosed || !this.#leadership) return;
    this.#isTold = true;
    const health = this.#health();
    const told = JSON.stringify(health);
    if (told === this.#told) return;
    this.#told = told;
    this.#ports.told(health);
    this.#telling = systemClock.after(TELL_INTERVAL, () => {
      this.#telling = undefined;
      this.#tellNow();
    });
  }

  #health(): IngestHealth | null {
    try {
      return this.#running?.health() ?? null;
    } catch (error) {
      // Whoever reads the database next finds out what is wrong with it.
      this.#ports.log('warn', `ingest: how it is doing cannot be told: ${errorText(error)}`);
      return null;
    }
  }
}
