import { errorText, serialiseError } from '../../protocol/errors.ts';
import type { IngestHealth, IngestWish } from '../../protocol/ingest.ts';
import type { Log } from '../../protocol/log.ts';
import type { StreamPiece } from '../../protocol/model.ts';
import type { LeaderMethod, PeerFrame } from '../../protocol/peer.ts';
import type { PeerRecord } from '../../store/peers.ts';
import { wait } from '../chat/timers.ts';
import { type Cancel, every } from '../clock.ts';
import type { Liveness } from '../leadership.ts';
import type { Platform } from '../platform.ts';
import type { Introduction } from './handshake.ts';
import { type LinkEvents, PeerLink } from './peerLink.ts';
import { leaderIsGone, PeerRequests } from './peerRequests.ts';
import type { Connection, Listener } from './transport.ts';

/** How often links are probed and missing ones dialled, in ms. */
const HEARTBEAT = 1000;

/** Silence after which a peer counts as frozen, in ms; with one heartbeat more, a frozen leader is replaced within 5 s. */
const MAX_SILENCE = 3500;

/** How often at most an instance is dialled that did not answer twice, in ms: when it can, it dials by itself. */
const REDIAL = 10_000;

/** How long one who has told something waits for peers that it is still connecting to before it leaves, in ms. */
const FAREWELL = 250;

/** Connections that have not proved themselves yet; more are refused. */
const MAX_STRANGERS = 32;

/** The registry of instances, which is a table of the shared database. */
export interface PeerRegistry {
  list(): PeerRecord[];
  register(self: PeerRecord): Promise<void>;
  remove(instanceId: string): Promise<void>;
}

/** What the mesh is made of and whom it tells. */
export interface MeshPorts {
  registry: PeerRegistry;
  secret: string;
  platform: Platform;
  log: Log;
  /** Something may be new in the change log: a nudge came, or a peer was (re)connected. */
  look(): void;
  /** The newest change that this instance has read. */
  cursor(): number;
  /** A peer is writing a message. */
  streamed(piece: StreamPiece): void;
  /** The set of connected peers is another one. */
  peersChanged(): void;
  /** A peer's user sees another conversation than before. */
  presenceChanged(): void;
  /** A peer's client wants other transcripts to be read than before. */
  wishesChanged(): void;
  /** A peer asks for what only the leader does; its parameters have not been checked. */
  asked(method: LeaderMethod, params: unknown): Promise<unknown>;
  /** The leader says how the reading of transcripts is doing. */
  ingestTold(health: IngestHealth | null): void;
  /** The registry could not be read; it is read again at the next heartbeat. */
  failed(error: unknown): void;
}

/** Connections to all sibling instances on the database: every instance dials every registered one it lacks. */
export class PeerMesh {
  readonly #self: Introduction;
  readonly #ports: MeshPorts;
  readonly #links = new Map<string, PeerLink>();
  readonly #strangers = new Set<PeerLink>();
  /** Instances that fell silent, or said nothing when they were dialled twice, and have not been connected since. */
  readonly #frozen = new Set<string>();
  /** The dials of instances that have not been connected since; `last` in ms of the monotonic clock. */
  readonly #vainDials = new Map<string, { count: number; last: number }>();
  /** Instances that the log has called unreachable since they were last connected. */
  readonly #unreachable = new Set<string>();
  /** Dials by the id of the instance, until the connection ends; the promise ends when the peer is known or has failed. */
  readonly #dials = new Map<string, PromiseWithResolvers<void>>();
  /** The newest change that the peers were told of. */
  #nudged: number | undefined;
  /** The conversation that this instance's user sees. */
  #presence: string | null = null;
  /** The transcripts that this instance's client wants to be read. */
  #wish: IngestWish | null = null;
  readonly #requests = new PeerRequests();
  #listener: Listener | undefined;
  #record: PeerRecord | undefined;
  #stopHeartbeat: Cancel | undefined;
  #lastBeat: number;
  #closing = false;

  constructor(self: Introduction, ports: MeshPorts) {
    this.#self = self;
    this.#ports = ports;
    this.#lastBeat = ports.platform.clock.now();
  }

  /** The peers that have proved themselves and answer. */
  get peers(): Introduction[] {
    return [...this.#links.values()].flatMap(({ peer }) => peer ?? []);
  }

  /** Listens, registers and dials the others. Without an endpoint of its own it still dials. */
  async open(): Promise<void> {
    const { clock, transport } = this.#ports.platform;
    try {
      this.#listener = await transport.listen(
        (connection) => this.#adopt(connection),
        (error) => this.#ports.log('warn', `another window was not let in: ${errorText(error)}`),
      );
      this.#record = { ...this.#self, endpoint: this.#listener.endpoint, startedAt: clock.wallTime() };
      await this.#ports.registry.register(this.#record);
    } catch (error) {
      this.#ports.log('warn', `not reachable for other windows: ${errorText(error)}`);
    }
    this.#dialMissing();
    this.#stopHeartbeat = every(clock, HEARTBEAT, () => this.#beat());
  }

  /** Resolves when every instance that was registered has answered or has failed to. */
  async settled(): Promise<void> {
    await Promise.all([...this.#dials.values()].map(({ promise }) => promise));
  }

  /** What is known of an instance: whether it is connected, certainly gone, or perhaps only out of sight. */
  liveness(instanceId: string): Liveness {
    if (this.#links.has(instanceId)) return 'alive';
    if (this.#frozen.has(instanceId)) return 'dead';
    return this.#isRegistered(instanceId) ? 'unknown' : 'dead';
  }

  /** The newest change that every connected peer has read; undefined while one of them has not said. */
  slowestCursor(): number | undefined {
    const cursors = [...this.#links.values()].map(({ cursor }) => cursor);
    return cursors.includes(undefined) ? undefined : Math.min(...cursors.map(Number));
  }

  /** Tells every peer, also those to come, that the change log has grown. */
  nudge(changeId: number): void {
    this.#nudged = changeId;
    for (const link of this.#links.values()) link.send({ type: 'nudge', changeId });
  }

  /** Tells every peer, also those to come, which conversation is seen here. */
  show(conversationId: string | null): void {
    if (conversationId === this.#presence) return;
    this.#presence = conversationId;
    for (const link of this.#links.values()) link.send({ type: 'presence', conversationId });
  }

  /** The conversation that each peer sees that sees one. */
  get seen(): string[] {
    return [...this.#links.values()].flatMap(({ presence }) => presence ?? []);
  }

  /** Tells every peer, also those to come, which transcripts are wanted here; null for none. */
  wishFor(wish: IngestWish | null): void {
    if (wish === null && this.#wish === null) return;
    this.#wish = wish;
    for (const link of this.#links.values()) link.send({ type: 'wish', ingest: wish });
  }

  /** What each peer's client wants to be read. */
  get wishes(): IngestWish[] {
    return [...this.#links.values()].flatMap(({ wish }) => wish ?? []);
  }

  /**
   * Asks a peer for what only the leader does.
   * @throws {DevChatError} what it answered; `not-leader` when it is not connected, or no longer
   */
  async ask(instanceId: string, method: LeaderMethod, params: unknown): Promise<unknown> {
    const link = this.#links.get(instanceId);
    if (!link) throw leaderIsGone();
    return this.#requests.ask(link, method, params);
  }

  /** Tells every peer how the reading of transcripts is doing. */
  tellIngest(health: IngestHealth | null): void {
    for (const link of this.#links.values()) link.send({ type: 'ingest', health });
  }

  /** Shows every peer a piece of a message that is being written here. */
  stream(piece: StreamPiece): void {
    for (const link of this.#links.values()) link.send({ type: 'stream', piece });
  }

  /**
   * Leaves the mesh; the registry forgets this instance. Whoever was dialled already is told what was to be told.
   * @param isFollowed whether this instance joins again at once, and then replaces its row
   * @throws {DevChatError} when the registry cannot be written. Then the endpoint stays until the process ends, unless
   *   the row is about to be replaced: by refusing connections from then on it proves this instance gone.
   */
  async close(isFollowed = false): Promise<void> {
    this.#stopHeartbeat?.();
    if (this.#nudged !== undefined) await this.#settledWithin(FAREWELL);
    this.#closing = true;
    let endsHere = isFollowed;
    try {
      // First, so that the peers know what the end of a link means.
      if (this.#record) await this.#ports.registry.remove(this.#record.instanceId);
      endsHere = true;
    } finally {
      await Promise.all([...this.#links.values(), ...this.#strangers].map((link) => link.end()));
      if (endsHere) await this.#listener?.close();
    }
  }

  async #settledWithin(delay: number): Promise<void> {
    const settled = new AbortController();
    void this.settled().then(() => settled.abort());
    await wait(this.#ports.platform.clock, delay, settled.signal);
  }

  #beat(): void {
    const now = this.#ports.platform.clock.now();
    // After a sleep of this machine or process, silence is nobody's fault.
    const slept = now - this.#lastBeat > 2 * HEARTBEAT;
    this.#lastBeat = now;
    for (const link of this.#links.values()) {
      if (slept) link.lastHeard = now;
      if (now - link.lastHeard > MAX_SILENCE) this.#freeze(link);
      else link.send({ type: 'ping' });
    }
    if (slept) this.#ports.look();
    this.#dialMissing();
  }

  #freeze(link: PeerLink): void {
    if (link.peer) this.#frozen.add(link.peer.instanceId);
    link.cut('the peer is silent');
  }

  #dialMissing(): void {
    if (this.#closing) return;
    try {
      const registered = this.#ports.registry.list();
      const own = this.#record;
      // A row of this instance may be there that leads elsewhere: a copy of the database holds what was once so.
      const isRegistered = registered.some(
        ({ instanceId, endpoint }) => instanceId === own?.instanceId && endpoint === own.endpoint,
      );
      if (own && !isRegistered) this.#inBackground(this.#ports.registry.register(own));
      for (const record of registered) this.#inBackground(this.#dial(record));
    } catch (error) {
      this.#ports.failed(error);
    }
  }

  async #dial(record: PeerRecord): Promise<void> {
    const { instanceId } = record;
    const { clock, transport } = this.#ports.platform;
    if (instanceId === this.#self.instanceId || this.#links.has(instanceId) || this.#dials.has(instanceId)) return;
    const now = clock.now();
    const { count, last } = this.#vainDials.get(instanceId) ?? { count: 0, last: now };
    if (this.#isDialledAgain(instanceId) && now - last < REDIAL) return;
    this.#vainDials.set(instanceId, { count: count + 1, last: now });
    this.#dials.set(instanceId, Promise.withResolvers<void>());
    const answer = await transport.dial(record);
    if (typeof answer === 'object') return this.#adopt(answer, instanceId);
    this.#endDial(instanceId);
    if (answer === 'gone') await this.#bury(record);
    else await this.#dialledInVain(instanceId);
  }

  /**
   * Looks what became of an instance that did not answer. One that is being killed takes connections for a moment after
   * its links have broken; or a sibling was quicker to find it gone, and has removed its row.
   */
  async #dialledInVain(instanceId: string): Promise<void> {
    const isRegistered = this.#isRegistered(instanceId);
    if (isRegistered) this.#dialMissing();
    if (!isRegistered || this.#frozen.has(instanceId)) this.#ports.peersChanged();
  }

  #isDialledAgain(instanceId: string): boolean {
    return (this.#vainDials.get(instanceId)?.count ?? 0) > 1;
  }

  #isRegistered(instanceId: string): boolean {
    return this.#ports.registry.list().some((record) => record.instanceId === instanceId);
  }

  #endDial(instanceId: string): void {
    this.#dials.get(instanceId)?.resolve();
    this.#dials.delete(instanceId);
  }

  async #bury({ instanceId, endpoint }: PeerRecord): Promise<void> {
    this.#ports.log('info', `${instanceId} is gone`);
    await this.#ports.registry.remove(instanceId);
    this.#forget(instanceId);
    this.#ports.platform.transport.removeStale(endpoint);
    this.#ports.peersChanged();
  }

  /** Drops what was known of an instance while it was not connected. */
  #forget(instanceId: string): void {
    this.#frozen.delete(instanceId);
    this.#vainDials.delete(instanceId);
    this.#unreachable.delete(instanceId);
  }

  /** @param dialled id of the instance that was dialled */
  #adopt(connection: Connection, dialled?: string): void {
    // First of all: whoever hears of the end may dial anew.
    if (dialled !== undefined) connection.on('close', () => this.#endDial(dialled));
    if (this.#closing || this.#strangers.size >= MAX_STRANGERS) {
      connection.destroy();
      return;
    }
    const events: LinkEvents = {
      ready: (link) => this.#welcome(link),
      frame: (link, frame) => this.#receive(link, frame),
      closed: (link, problem) => this.#farewell(link, dialled, problem),
    };
    const { secret, platform } = this.#ports;
    this.#strangers.add(new PeerLink(connection, dialled, { self: this.#self, secret, platform }, events));
  }

  #welcome(link: PeerLink): void {
    this.#strangers.delete(link);
    const { peer } = link;
    if (!peer) return;
    const present = this.#links.get(peer.instanceId);
    // Two instances may dial each other at once; both keep the connection that the smaller id dialled.
    if (
      present &&
      present.role !== link.role &&
      (link.role === 'dialler') !== this.#self.instanceId < peer.instanceId
    ) {
      link.cut();
      return;
    }
    this.#links.set(peer.instanceId, link);
    this.#forget(peer.instanceId);
    this.#dials.get(peer.instanceId)?.resolve();
    present?.cut();
    this.#ports.log('info', `connected to ${peer.editor} ${peer.instanceId} (pid ${peer.pid})`);
    // By its own look the peer may have come too early for it.
    if (this.#nudged !== undefined) link.send({ type: 'nudge', changeId: this.#nudged });
    if (this.#presence !== null) link.send({ type: 'presence', conversationId: this.#presence });
    if (this.#wish !== null) link.send({ type: 'wish', ingest: this.#wish });
    this.#ports.look();
    this.#ports.peersChanged();
  }

  #receive(link: PeerLink, frame: PeerFrame): void {
    switch (frame.type) {
      case 'nudge':
        this.#ports.look();
        break;
      case 'stream':
        this.#ports.streamed(frame.piece);
        break;
      case 'presence':
        link.presence = frame.conversationId;
        this.#ports.presenceChanged();
        break;
      case 'wish':
        link.wish = frame.ingest;
        this.#ports.wishesChanged();
        break;
      case 'request':
        this.#answer(link, frame);
        break;
      case 'answer':
        this.#requests.settle(link, frame);
        break;
      case 'ingest':
        // Who leads has this version's schema, or a newer one's, which only adds to it.
        this.#ports.ingestTold(frame.health as IngestHealth | null);
        break;
      case 'ping':
        link.send({ type: 'pong', cursor: this.#ports.cursor() });
        break;
      case 'pong':
        link.cursor = frame.cursor;
    }
  }

  #answer(link: PeerLink, { id, method, params }: Extract<PeerFrame, { type: 'request' }>): void {
    this.#ports.asked(method, params).then(
      (result) => link.send({ type: 'answer', id, result }),
      (error: unknown) => link.send({ type: 'answer', id, error: serialiseError(error) }),
    );
  }

  #farewell(link: PeerLink, dialled: string | undefined, problem: string | undefined): void {
    this.#strangers.delete(link);
    this.#requests.drop(link);
    if (problem) this.#complain(dialled ?? link.peer?.instanceId, problem);
    if (!link.peer && dialled !== undefined) {
      // The system takes connections for a process that is frozen.
      if (link.isUnanswered && this.#isDialledAgain(dialled)) this.#frozen.add(dialled);
      this.#inBackground(this.#dialledInVain(dialled));
    }
    if (!link.peer || this.#links.get(link.peer.instanceId) !== link) return;
    this.#links.delete(link.peer.instanceId);
    if (this.#closing) return;
    this.#ports.log('info', `disconnected from ${link.peer.instanceId}`);
    this.#dialMissing();
    this.#ports.peersChanged();
  }

  /** Logs why a link was cut; of the same instance once until it is connected again. */
  #complain(instanceId: string | undefined, problem: string): void {
    if (instanceId !== undefined && this.#unreachable.has(instanceId)) return;
    if (instanceId !== undefined) this.#unreachable.add(instanceId);
    this.#ports.log('warn', `link to ${instanceId ?? 'a stranger'} cut: ${problem}`);
  }

  #inBackground(work: Promise<void>): void {
    work.catch((error: unknown) => this.#ports.log('warn', `the registry cannot be changed: ${errorText(error)}`));
  }
}
