import { errorText } from '../protocol/errors.ts';
import type { IngestHealth, IngestWish } from '../protocol/ingest.ts';
import { type Log, withPrefix } from '../protocol/log.ts';
import type { StreamPiece } from '../protocol/model.ts';
import type { LeaderMethod } from '../protocol/peer.ts';
import type { Viewers } from '../protocol/rpc.ts';
import type { LeaderRecord } from '../store/leader.ts';
import { ChangeFeed, type FeedPage } from './changeFeed.ts';
import { type Cancel, every } from './clock.ts';
import { LeaderChores } from './leaderChores.ts';
import { Leadership } from './leadership.ts';
import { OutgoingStreams } from './outgoingStreams.ts';
import { Patience } from './patience.ts';
import type { Introduction } from './peers/handshake.ts';
import { PeerMesh } from './peers/peerMesh.ts';
import type { Platform } from './platform.ts';
import { countViewers, sameViewers } from './presence.ts';
import type { SyncStore } from './syncStore.ts';

/** How often the database itself is asked whether others have written, in ms: the net under the nudges. */
const POLL = 1000;

/** How long a change stays in the log at least, in ms. */
const KEEP_CHANGES = 24 * 3_600_000;

/** What the sync logic tells the instance around it. */
export interface SyncEvents {
  /** Called with all changes in commit order, page by page, one's own included. */
  changed(page: FeedPage): void;
  /** The log no longer holds what follows what was told: everything must be loaded again. */
  lost(head: number): void;
  /** A piece of a message that is being written, here or elsewhere. */
  streamed(piece: StreamPiece): void;
  /** The connected peers or the leader are others than before. */
  statusChanged(): void;
  /** The users of the connected peers see other conversations than before. */
  presenceChanged(viewers: Viewers[]): void;
  /** This instance leads, under this record; undefined when it no longer does. */
  leads(leadership: LeaderRecord | undefined): void;
  /** The peers' clients want other transcripts to be read than before. */
  wishesChanged(): void;
  /** A peer asks for what only the leader does; its parameters have not been checked. */
  asked(method: LeaderMethod, params: unknown): Promise<unknown>;
  /** The leader, which is another instance, says how the reading of transcripts is doing. */
  ingestTold(health: IngestHealth | null): void;
  /** The database was deleted or replaced: all of this must be built again on what is there now. */
  replaced(): void;
  /** The database could not be read. Nothing is lost by that: it is read again at the next occasion. */
  failed(error: unknown): void;
}

/** How an instance takes part. */
export interface SyncOptions {
  platform: Platform;
  log: Log;
  /** False for one who stays only for a moment: it takes no leadership, and leaves none behind. */
  leads: boolean;
}

/** The share of one instance in the sync: change feed, peers, leadership and streams, wired together. */
export class SyncEngine {
  /** The messages that this instance's client is writing. */
  readonly streams: OutgoingStreams;
  readonly #self: Introduction;
  readonly #store: SyncStore;
  readonly #events: SyncEvents;
  readonly #platform: Platform;
  readonly #log: Log;
  readonly #feed: ChangeFeed;
  readonly #mesh: PeerMesh;
  readonly #leadership: Leadership;
  readonly #writers: Patience;
  readonly #chores: LeaderChores;
  #stopPolling: Cancel | undefined;
  #dataVersion: number;
  #isStatusTold = true;
  #viewers: Viewers[] = [];
  #hasAbandoned = false;
  #isClosing = false;

  /** Begins at the head of the change log: what the store holds now is not told. */
  constructor(self: Introduction, store: SyncStore, events: SyncEvents, { platform, log, leads }: SyncOptions) {
    const { clock } = platform;
    this.#self = self;
    this.#store = store;
    this.#events = events;
    this.#platform = platform;
    this.#log = log;
    this.#dataVersion = store.dataVersion();
    this.#feed = new ChangeFeed(
      {
        read: (cursor, limit) => store.changes.after(cursor, limit),
        deliver: (page) => events.changed(page),
        lost: (head) => events.lost(head),
        failed: (error) => this.#failed('feed', error),
        clock,
      },
      store.changes.head(),
    );
    this.#mesh = new PeerMesh(self, {
      registry: store.peers,
      secret: store.peerSecret(),
      platform,
      log: withPrefix(log, 'peers'),
      look: () => this.#guard('feed', () => this.#look()),
      cursor: () => this.#feed.cursor,
      streamed: (piece) => this.#guard('streams', () => events.streamed(piece)),
      peersChanged: () => this.#guard('peers', () => this.#peersChanged()),
      presenceChanged: () => this.#tellPresence(),
      wishesChanged: () => events.wishesChanged(),
      asked: (method, params) => events.asked(method, params),
      ingestTold: (health) => events.ingestTold(health),
      failed: (error) => this.#failed('peers: the registry cannot be read', error),
    });
    this.#leadership = new Leadership({
      self: self.instanceId,
      mayLead: leads && !store.isReadOnly,
      read: () => store.leader.read(),
      takeOver: (seenEpoch) => store.leader.takeOver(seenEpoch),
      liveness: (peer) => this.#mesh.liveness(peer),
      now: () => clock.now(),
      changed: () => this.#leaderChanged(),
      failed: (error) => this.#failed('leader: who leads could not be decided', error),
      log: withPrefix(log, 'leader'),
    });
    this.#writers = new Patience({ liveness: (peer) => this.#mesh.liveness(peer), now: () => clock.now() });
    this.#chores = new LeaderChores({
      clock,
      tidy: async (leader) => {
        await store.maintain(leader);
        await this.#prune(leader);
        if (this.#isClosing) return;
        await store.purge(leader);
        this.committed();
      },
      failed: (error) => log('warn', `leader: ${errorText(error)}`),
    });
    this.streams = new OutgoingStreams({
      store: store.streams,
      platform,
      stored: () => this.committed(),
      send: (piece) =>
        this.#guard('streams', () => {
          this.#mesh.stream(piece);
          events.streamed(piece);
        }),
      log: withPrefix(log, 'streams'),
    });
  }

  /** Id of the newest change that was told. */
  get cursor(): number {
    return this.#feed.cursor;
  }

  /** The connected peers. */
  get peers(): Introduction[] {
    return this.#mesh.peers;
  }

  /** Follows the database, and joins the others on it unless nothing may be written. */
  async open(): Promise<void> {
    this.#stopPolling = every(this.#platform.clock, POLL, () => this.#guard('poll', () => this.#poll()));
    this.#guard('streams', () => this.#interruptOwn());
    if (this.#store.isReadOnly) return;
    await this.#mesh.open();
    // Whoever leads has had the chance to answer before it is called dead; the client need not wait for that.
    void this.#mesh.settled().then(() => this.#checkLeadership());
  }

  /**
   * To be called after each own commit: tells the siblings, then delivers the change here too. What was stored stays
   * stored when this fails: the siblings' polls find it.
   */
  committed(): void {
    const newest = this.#store.changes.written();
    if (newest > this.#feed.cursor) this.#mesh.nudge(newest);
    // After the answer to the request that committed.
    this.#platform.clock.nextTurn(() => this.#feed.look());
  }

  /** Tells the others which conversation is seen here; null when none. */
  show(conversationId: string | null): void {
    this.#mesh.show(conversationId);
  }

  /** Tells the others which transcripts are wanted here; null for none. */
  wishFor(wish: IngestWish | null): void {
    this.#mesh.wishFor(wish);
  }

  /** The transcripts that the connected peers want to be read. */
  get wishes(): IngestWish[] {
    return this.#mesh.wishes;
  }

  /**
   * Asks the leader, which is another instance.
   * @throws {DevChatError} what it answered; `not-leader` when it cannot be reached
   */
  askLeader(method: LeaderMethod, params: unknown): Promise<unknown> {
    return this.#mesh.ask(this.#store.leader.read().instanceId, method, params);
  }

  /** As the leader, tells the others how the reading of transcripts is doing. */
  tellIngest(health: IngestHealth | null): void {
    this.#mesh.tellIngest(health);
  }

  /** Shows the others a piece of a message that is being written on another machine. */
  relay(piece: StreamPiece): void {
    this.#mesh.stream(piece);
  }

  /** Resolves when the instances that run are connected. */
  settled(): Promise<void> {
    return this.#mesh.settled();
  }

  /**
   * Ends the streams that are open and leaves the others.
   * @param isFollowed whether this instance joins the others again at once
   */
  async close(isFollowed = false): Promise<void> {
    this.#isClosing = true;
    this.#stopPolling?.();
    this.#chores.serve(undefined);
    await this.streams.close();
    await this.#mesh
      .close(isFollowed)
      .catch((error: unknown) => this.#log('warn', `peers: closing failed: ${String(error)}`));
    // Whoever follows on the same client knows of nobody yet.
    this.#tellPresence();
  }

  /** Delivers what siblings have committed, after checking that this is still the workspace's database. */
  #look(): void {
    this.#feed.look();
    if (!this.#store.isInPlace()) this.#events.replaced();
  }

  #poll(): void {
    if (!this.#isStatusTold) this.#tellStatus();
    this.#checkLeadership();
    this.#interruptOwn();
    this.#interruptOrphans();
    const version = this.#store.dataVersion();
    if (version === this.#dataVersion && this.#store.isInPlace()) return;
    this.#dataVersion = version;
    this.#look();
  }

  #peersChanged(): void {
    this.#tellPresence();
    this.#events.wishesChanged();
    this.#tellStatus();
    this.#checkLeadership();
    this.#interruptOrphans();
  }

  /** What could not be told, because the database could not be read, is told by the next poll. */
  #tellStatus(): void {
    this.#isStatusTold = false;
    this.#events.statusChanged();
    this.#isStatusTold = true;
  }

  #tellPresence(): void {
    const viewers = countViewers(this.#mesh.seen);
    if (sameViewers(viewers, this.#viewers)) return;
    this.#viewers = viewers;
    this.#events.presenceChanged(viewers);
  }

  #checkLeadership(): void {
    if (!this.#isClosing) this.#leadership.check();
  }

  #leaderChanged(): void {
    // A takeover that was under way may succeed too late.
    if (this.#isClosing) return;
    this.#chores.serve(this.#leadership.current);
    this.#events.leads(this.#leadership.current);
    this.#tellStatus();
    this.#interruptOrphans();
  }

  /** As the leader, ends the messages whose writer is gone. */
  #interruptOrphans(): void {
    const leader = this.#leadership.current;
    if (!leader) return;
    for (const { instanceId, progress } of this.#store.streams.owners()) {
      if (instanceId === leader.instanceId || !this.#writers.isGone(instanceId, progress)) continue;
      this.#interrupted(this.#store.streams.interrupt(leader, instanceId));
    }
  }

  /**
   * Ends, once, the messages that this instance was writing when it had this database, or one that this is a copy of,
   * open before. If that comes late, a stream that was begun meanwhile goes on all the same.
   */
  #interruptOwn(): void {
    if (this.#hasAbandoned || this.#store.isReadOnly) return;
    const { instanceId } = this.#self;
    const isOwn = this.#store.streams.owners().some((owner) => owner.instanceId === instanceId);
    this.#hasAbandoned = true;
    if (!isOwn) return;
    const abandoned = this.#store.streams.abandon().catch((error: unknown) => {
      this.#hasAbandoned = false;
      throw error;
    });
    this.#interrupted(abandoned);
  }

  #interrupted(write: Promise<void>): void {
    write.then(
      () => this.committed(),
      (error: unknown) => this.#log('warn', `a stream could not be ended: ${String(error)}`),
    );
  }

  async #prune(leader: LeaderRecord): Promise<void> {
    const slowest = this.#mesh.slowestCursor();
    // Who has left the mesh does not know how far the others have read.
    if (slowest === undefined || this.#isClosing) return;
    const before = this.#platform.clock.wallTime() - KEEP_CHANGES;
    const pruned = await this.#store.changes.prune(leader, before, Math.min(slowest, this.#feed.cursor));
    if (pruned > 0) this.#log('info', `leader: ${pruned} changes pruned from the log`);
  }

  /** Does what a timer or a peer has caused: an error of the store must not end the process. */
  #guard(what: string, action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#failed(what, error);
    }
  }

  #failed(what: string, error: unknown): void {
    this.#log('warn', `${what}: ${errorText(error)}`);
    // No version equals this, so the next poll looks again.
    this.#dataVersion = Number.NaN;
    if (!this.#isClosing) this.#events.failed(error);
  }
}
