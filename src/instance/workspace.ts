import { errorText } from '../protocol/errors.ts';
import { type Log, withPrefix } from '../protocol/log.ts';
import type { Notifications, SyncStatus } from '../protocol/rpc.ts';
import { changeHead, changesAfter, pruneChanges } from '../store/changeLog.ts';
import { Database } from '../store/database.ts';
import { type LeaderRecord, readLeader, takeOverLeadership, writeAsLeader } from '../store/leader.ts';
import { fewShortMessages } from '../store/messages.ts';
import { listPeers, peerSecret, registerPeer, removePeer } from '../store/peers.ts';
import { beginStream, checkpointStream, endStream, interruptStreams, streamOwners } from '../store/streams.ts';
import { ChangeFeed } from '../sync/changeFeed.ts';
import { LeaderChores } from '../sync/leaderChores.ts';
import { Leadership } from '../sync/leadership.ts';
import type { Introduction } from '../sync/peers/handshake.ts';
import { PeerMesh } from '../sync/peers/peerMesh.ts';
import { OutgoingStreams } from './outgoingStreams.ts';

/** How often the database itself is asked whether others have written, in ms: the net under the nudges. */
const POLL = 1000;

/** How long a change stays in the log at least, in ms. */
const KEEP_CHANGES = 24 * 3_600_000;

/** What a workspace tells the process around it. */
export interface WorkspaceEvents {
  notify<N extends keyof Notifications>(notification: N, params: Notifications[N]): void;
  /** The database file was deleted or replaced: this workspace must be opened again. */
  replaced(): void;
}

/** How a workspace takes part. */
export interface WorkspaceOptions {
  log: Log;
  /** False for one who stays only for a moment: it takes no leadership, and leaves none behind. */
  leads: boolean;
}

/** One open database with its change feed and its place among the peers. */
export class Workspace {
  readonly db: Database;
  /** The messages that this instance's client is writing. */
  readonly streams: OutgoingStreams;
  readonly #self: Introduction;
  readonly #events: WorkspaceEvents;
  readonly #log: Log;
  readonly #feed: ChangeFeed;
  readonly #mesh: PeerMesh;
  readonly #leadership: Leadership;
  readonly #leads: boolean;
  readonly #chores: LeaderChores;
  readonly #poll: NodeJS.Timeout;
  #dataVersion: number;

  private constructor(db: Database, self: Introduction, events: WorkspaceEvents, { log, leads }: WorkspaceOptions) {
    this.db = db;
    this.#self = self;
    this.#events = events;
    this.#log = log;
    this.#leads = leads && db.readOnlyReason === null;
    this.#dataVersion = db.dataVersion();
    const head = db.read(() => changeHead(db));
    this.#feed = new ChangeFeed(
      {
        read: (cursor, limit) => changesAfter(db, cursor, limit),
        deliver: ({ changes, conversations }) => {
          const messages = db.read(() =>
            fewShortMessages(
              db,
              changes.map(({ messageId }) => messageId),
            ),
          );
          events.notify('change', { changes, conversations, messages });
        },
        lost: (lastChangeId) => events.notify('reload', { reason: 'log-pruned', lastChangeId }),
        failed: (error) => {
          log('warn', `feed: ${errorText(error)}`);
          // No version equals this, so the next poll looks again.
          this.#dataVersion = Number.NaN;
        },
      },
      head,
    );
    this.#mesh = new PeerMesh(self, {
      registry: {
        list: () => listPeers(db),
        register: (record) => registerPeer(db, record),
        remove: (instanceId) => removePeer(db, instanceId),
      },
      secret: peerSecret(db),
      log: withPrefix(log, 'peers'),
      look: () => this.look(),
      cursor: () => this.#feed.cursor,
      streamed: (piece) => events.notify('stream', piece),
      peersChanged: () => {
        this.#checkLeadership();
        this.#interruptOrphans();
        events.notify('status', this.status());
      },
    });
    const { instanceId } = self;
    this.#chores = new LeaderChores(
      (leader) => this.#prune(leader),
      (error) => log('warn', `leader: ${errorText(error)}`),
    );
    this.#leadership = new Leadership({
      self: instanceId,
      read: () => db.read(() => readLeader(db)),
      takeOver: (seenEpoch) => takeOverLeadership(db, instanceId, seenEpoch),
      liveness: (peer) => this.#mesh.liveness(peer),
      now: () => performance.now(),
      changed: (leadership) => {
        this.#chores.serve(leadership);
        this.#interruptOrphans();
        events.notify('status', this.status());
      },
      log: withPrefix(log, 'leader'),
    });
    this.streams = new OutgoingStreams({
      begin: (params) => beginStream(db, instanceId, params),
      checkpoint: (messageId, content) => checkpointStream(db, instanceId, messageId, content),
      end: (end) => endStream(db, instanceId, end),
      stored: () => this.committed(),
      send: (piece) => {
        this.#mesh.stream(piece);
        events.notify('stream', piece);
      },
      log: withPrefix(log, 'streams'),
    });
    this.#poll = setInterval(() => this.#lookIfOthersWrote(), POLL);
  }

  static async open(
    path: string,
    self: Introduction,
    events: WorkspaceEvents,
    options: WorkspaceOptions,
  ): Promise<Workspace> {
    const db = await Database.open(path);
    const workspace = new Workspace(db, self, events, options);
    if (db.readOnlyReason) options.log('warn', db.readOnlyReason);
    else await workspace.#join();
    return workspace;
  }

  async #join(): Promise<void> {
    await this.#mesh.open();
    // Whoever leads has had the chance to answer before it is called dead; the client need not wait for that.
    void this.#mesh.settled().then(() => this.#checkLeadership());
  }

  #checkLeadership(): void {
    if (this.#leads) this.#leadership.check();
  }

  /** Delivers what siblings have committed, after checking that this is still the workspace's database. */
  look(): void {
    if (this.db.isInPlace()) this.#feed.look();
    else this.#events.replaced();
  }

  /**
   * To be called after each own commit: tells the siblings, then delivers the change here too. What was stored stays
   * stored when this fails: the siblings' polls find it.
   */
  committed(): void {
    try {
      const head = this.db.read(() => changeHead(this.db));
      if (head > this.#feed.cursor) this.#mesh.nudge(head);
    } catch (error) {
      this.#log('warn', `the siblings could not be told of a change: ${String(error)}`);
    }
    // After the answer to the request that committed.
    setImmediate(() => this.#feed.look());
  }

  /** Resolves when the instances that run are connected. */
  settled(): Promise<void> {
    return this.#mesh.settled();
  }

  status(): SyncStatus {
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
      lastChangeId: this.#feed.cursor,
      peers: this.#mesh.peers,
      leader: leader.epoch === 0 ? null : leader,
      ...counts,
    };
  }

  async close(): Promise<void> {
    clearInterval(this.#poll);
    this.#chores.serve(undefined);
    await this.streams.close();
    await this.#mesh.close().catch((error: unknown) => this.#log('warn', `peers: closing failed: ${String(error)}`));
    await this.db.close();
  }

  /** As the leader, ends the messages whose writer is gone. */
  #interruptOrphans(): void {
    const leader = this.#leadership.current;
    if (!leader) return;
    for (const owner of streamOwners(this.db)) {
      if (owner === leader.instanceId || this.#mesh.liveness(owner) !== 'dead') continue;
      interruptStreams(this.db, leader, owner).then(
        () => this.committed(),
        (error: unknown) => this.#log('warn', `leader: a stream could not be ended: ${String(error)}`),
      );
    }
  }

  async #prune(leader: LeaderRecord): Promise<void> {
    const { db } = this;
    const slowest = this.#mesh.slowestCursor();
    if (slowest === undefined) return;
    const through = Math.min(slowest, this.#feed.cursor);
    const pruned = await writeAsLeader(db, leader, () => pruneChanges(db, Date.now() - KEEP_CHANGES, through));
    if (pruned > 0) this.#log('info', `leader: ${pruned} changes pruned from the log`);
  }

  #lookIfOthersWrote(): void {
    this.#checkLeadership();
    this.#interruptOrphans();
    const version = this.db.dataVersion();
    if (version === this.#dataVersion && this.db.isInPlace()) return;
    this.#dataVersion = version;
    this.look();
  }
}
