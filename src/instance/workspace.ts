import * as v from 'valibot';
import type { HubSettings } from '../protocol/hub.ts';
import type { IngestWish } from '../protocol/ingest.ts';
import type { Log } from '../protocol/log.ts';
import { HubLeaderMethod } from '../protocol/peer.ts';
import type { Notifications, SyncStatus } from '../protocol/rpc.ts';
import type { Database } from '../store/database.ts';
import { readLeader } from '../store/leader.ts';
import { isWritable } from '../store/readOnly.ts';
import { openHistory } from '../store/recovery/openHistory.ts';
import { type Cancel, every } from '../sync/clock.ts';
import type { OutgoingStreams } from '../sync/outgoingStreams.ts';
import type { Introduction } from '../sync/peers/handshake.ts';
import { systemPlatform } from '../sync/platform.ts';
import { SyncEngine } from '../sync/syncEngine.ts';
import { joinAddedRuns } from './addedRuns.ts';
import { databaseSyncStore } from './databaseSyncStore.ts';
import { HubAccess } from './hubAccess.ts';
import { Ingestion } from './ingestion.ts';

/** How often a database that cannot be written is tried again, in ms. */
const PROBE_INTERVAL = 1000;

/** What a workspace tells the process around it. */
export interface WorkspaceEvents {
  notify<N extends keyof Notifications>(notification: N, params: Notifications[N]): void;
  /** The database file was deleted or replaced: this workspace must be opened again. */
  replaced(): void;
  /** The database, opened for reading alone, can be written again: this workspace must be opened again. */
  writable?(): void;
  /** The database could not be read; the workspace goes on and tries again. */
  fault?(error: unknown): void;
}

/** How a workspace takes part. */
export interface WorkspaceOptions {
  log: Log;
  /** False for one who stays only for a moment: it takes no leadership, and leaves none behind. */
  leads: boolean;
  /** Whether the client is told of messages that were added one after the other in one entry. */
  joinsAddedRuns?: boolean;
  /** The transcripts that the client wants to be read, if any. */
  wish?: IngestWish | null;
  /** The hub that the client has named, if any. */
  hub?: HubSettings | null;
}

/** One open database and its share in the sync. */
export class Workspace {
  readonly db: Database;
  readonly ingestion: Ingestion;
  readonly hub: HubAccess;
  readonly #self: Introduction;
  readonly #sync: SyncEngine;
  readonly #events: WorkspaceEvents;
  readonly #stopProbing: Cancel;
  #shown: string | null = null;
  /** How the connection to the hub stood when it was told last, as JSON. */
  #hubTold: string | undefined;
  #isHubTold = true;

  private constructor(db: Database, self: Introduction, events: WorkspaceEvents, options: WorkspaceOptions) {
    const { log, leads, joinsAddedRuns, wish = null, hub = null } = options;
    this.db = db;
    this.#self = self;
    this.#events = events;
    this.#sync = new SyncEngine(
      self,
      databaseSyncStore(db, self.instanceId, log, (error) => events.fault?.(error)),
      {
        changed: ({ changes, conversations, messages }) => {
          events.notify('change', {
            changes: joinsAddedRuns ? joinAddedRuns(changes) : changes,
            conversations,
            messages,
          });
          this.hub.look();
        },
        lost: (lastChangeId) => events.notify('reload', { reason: 'log-pruned', lastChangeId }),
        streamed: (piece) => {
          events.notify('stream', piece);
          this.hub.stream(piece);
        },
        statusChanged: () => this.#tellStatus(),
        presenceChanged: (viewers) => events.notify('presence', { viewers }),
        leads: (leadership) => {
          this.ingestion.lead(leadership);
          this.hub.lead(leadership);
        },
        wishesChanged: () => this.ingestion.look(),
        asked: (method, params) =>
          v.is(HubLeaderMethod, method) ? this.hub.answer(method, params) : this.ingestion.answer(method, params),
        ingestTold: (health) => events.notify('ingest', { health }),
        replaced: () => events.replaced(),
        failed: (error) => events.fault?.(error),
      },
      { platform: systemPlatform, log, leads },
    );
    this.ingestion = new Ingestion(
      {
        db,
        log,
        wishes: () => this.#sync.wishes,
        wishFor: (wanted) => this.#sync.wishFor(wanted),
        askLeader: (method, params) => this.#sync.askLeader(method, params),
        committed: () => this.#sync.committed(),
        told: (health) => {
          this.#sync.tellIngest(health);
          events.notify('ingest', { health });
        },
      },
      wish,
    );
    this.hub = new HubAccess(
      {
        ...{ db, log, instanceId: self.instanceId },
        askLeader: (method, params) => this.#sync.askLeader(method, params),
        committed: () => this.#sync.committed(),
        changed: () => this.#tellHub(),
        notice: (notice) => events.notify('notice', notice),
        streamed: (piece) => {
          this.#sync.relay(piece);
          events.notify('stream', piece);
        },
      },
      hub,
    );
    db.onWriteProblem = () => this.#tellStatus();
    this.#stopProbing = every(systemPlatform.clock, PROBE_INTERVAL, () => this.#probe());
  }

  static async open(
    path: string,
    self: Introduction,
    events: WorkspaceEvents,
    options: WorkspaceOptions,
  ): Promise<Workspace> {
    const { db, notices } = await openHistory(path, (text) => events.notify('notice', { text, isUnderway: true }));
    const workspace = new Workspace(db, self, events, options);
    for (const text of notices) {
      options.log('warn', text);
      events.notify('notice', { text });
    }
    if (db.readOnlyReason) {
      options.log('warn', db.readOnlyReason);
      workspace.#tellStatus();
    }
    await workspace.#sync.open();
    return workspace;
  }

  /** Finds out whether what kept the database from being read or written has passed. */
  #probe(): void {
    if (!this.#isHubTold) this.#tellHub();
    if (this.db.isUnwritable) {
      if (isWritable(this.db.path)) this.#events.writable?.();
    } else if (this.db.writeProblem !== null && this.db.readOnlyReason === null) {
      // A failure leaves the problem as it is, and tells nothing new.
      this.db.probe().catch(() => undefined);
    }
  }

  /** The messages that this instance's client is writing. */
  get streams(): OutgoingStreams {
    return this.#sync.streams;
  }

  /** Tells the client something. */
  notify<N extends keyof Notifications>(notification: N, params: Notifications[N]): void {
    this.#events.notify(notification, params);
  }

  /** To be called after each own commit: makes it known, to the siblings and to the client. */
  committed(): void {
    this.#sync.committed();
  }

  /** The conversation that the client shows; null when none. */
  get shown(): string | null {
    return this.#shown;
  }

  /** Tells the siblings which conversation the client shows; null when none. */
  show(conversationId: string | null): void {
    this.#shown = conversationId;
    this.#sync.show(conversationId);
  }

  /** Resolves when the instances that run are connected. */
  settled(): Promise<void> {
    return this.#sync.settled();
  }

  /** @param hub how the connection to the hub stands, if that is known already */
  status(hub = this.hub.status()): SyncStatus {
    const count = this.db.sql(`SELECT
      (SELECT value FROM meta WHERE key = 'db_epoch') AS dbEpoch,
      (SELECT count(*) FROM conversations WHERE deleted_at IS NULL) AS conversations,
      (SELECT coalesce(sum(last_seq), 0) FROM conversations WHERE deleted_at IS NULL) AS messages`);
    const [counts, leader] = this.db.read(() => [
      count.get() as Pick<SyncStatus, 'dbEpoch' | 'conversations' | 'messages'>,
      readLeader(this.db),
    ]);
    return {
      instanceId: this.#self.instanceId,
      databasePath: this.db.path,
      lastChangeId: this.#sync.cursor,
      peers: this.#sync.peers,
      leader: leader.epoch === 0 ? null : leader,
      ...counts,
      readOnly: this.db.writeProblem,
      hub,
    };
  }

  #tellStatus(hub = this.hub.status()): void {
    const status = this.status(hub);
    this.#hubTold = JSON.stringify(hub);
    this.#events.notify('status', status);
  }

  /**
   * Every change is a reason to look, and few of them make a difference: the whole status takes longer to find out. What
   * could not be told, because the database could not be read, is told later; what has caused the change goes on.
   */
  #tellHub(): void {
    this.#isHubTold = false;
    try {
      const hub = this.hub.status();
      if (JSON.stringify(hub) !== this.#hubTold) this.#tellStatus(hub);
      this.#isHubTold = true;
    } catch (error) {
      this.#events.fault?.(error);
    }
  }

  /** @param isFollowed whether the database is opened anew at once */
  async close(isFollowed = false): Promise<void> {
    this.#stopProbing();
    await this.ingestion.close();
    await this.hub.close();
    await this.#sync.close(isFollowed);
    await this.db.close();
  }
}
