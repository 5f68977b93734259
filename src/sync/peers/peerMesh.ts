import { errorText } from '../../protocol/errors.ts';
import type { Log } from '../../protocol/log.ts';
import type { StreamPiece } from '../../protocol/model.ts';
import type { PeerFrame } from '../../protocol/peer.ts';
import type { PeerRecord } from '../../store/peers.ts';
import { type Cancel, every } from '../clock.ts';
import type { Liveness } from '../leadership.ts';
import type { Platform } from '../platform.ts';
import type { Introduction } from './handshake.ts';
import { type LinkEvents, PeerLink } from './peerLink.ts';
import type { Connection, Listener } from './transport.ts';

/** How often links are probed and missing ones dialled, in ms. */
const HEARTBEAT = 1000;

/** Silence after which a peer counts as frozen, in ms; with one heartbeat more, a frozen leader is replaced within 5 s. */
const MAX_SILENCE = 3500;

/** How often at most an instance is dialled that was found frozen, in ms: when it wakes, it dials by itself. */
const FROZEN_REDIAL = 10_000;

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
  /** The registry could not be read; it is read again at the next heartbeat. */
  failed(error: unknown): void;
}

/** Connections to all sibling instances on the database: every instance dials every registered one it lacks. */
export class PeerMesh {
  readonly #self: Introduction;
  readonly #ports: MeshPorts;
  readonly #links = new Map<string, PeerLink>();
  readonly #strangers = new Set<PeerLink>();
  /**
   * Instances whose links were cut for their silence, with the time of the last dial since: their sockets may accept
   * connections that nobody answers.
   */
  readonly #frozen = new Map<string, number>();
  /** Instances that the log has called unreachable since they were last connected. */
  readonly #unreachable = new Set<string>();
  /** Dials by the id of the instance, until the connection ends; the promise ends when the peer is known or has failed. */
  readonly #dials = new Map<string, PromiseWithResolvers<void>>();
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
      this.#listener = await transport.listen((connection) => this.#adopt(connection, 'listener'));
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
    const isRegistered = this.#ports.registry.list().some((record) => record.instanceId === instanceId);
    return isRegistered ? 'unknown' : 'dead';
  }

  /** The newest change that every connected peer has read; undefined while one of them has not said. */
  slowestCursor(): number | undefined {
    const cursors = [...this.#links.values()].map(({ cursor }) => cursor);
    return cursors.includes(undefined) ? undefined : Math.min(...cursors.map(Number));
  }

  /** Tells every peer that the change log has grown. */
  nudge(changeId: number): void {
    for (const link of this.#links.values()) link.send({ type: 'nudge', changeId });
  }

  /** Shows every peer a piece of a message that is being written here. */
  stream(piece: StreamPiece): void {
    for (const link of this.#links.values()) link.send({ type: 'stream', piece });
  }

  /** Leaves the mesh; the registry forgets this instance. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#stopHeartbeat?.();
    for (const link of [...this.#links.values(), ...this.#strangers]) link.end();
    await this.#listener?.close();
    if (this.#record) await this.#ports.registry.remove(this.#record.instanceId);
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
    if (link.peer) this.#frozen.set(link.peer.instanceId, Number.NEGATIVE_INFINITY);
    link.cut('the peer is silent');
  }

  #dialMissing(): void {
    if (this.#closing) return;
    try {
      const registered = this.#ports.registry.list();
      const own = this.#record;
      const isMissing = own && !registered.some(({ instanceId }) => instanceId === own.instanceId);
      if (isMissing) this.#inBackground(this.#ports.registry.register(own));
      for (const record of registered) this.#inBackground(this.#dial(record));
    } catch (error) {
      this.#ports.failed(error);
    }
  }

  async #dial(record: PeerRecord): Promise<void> {
    const { instanceId } = record;
    const { clock, transport } = this.#ports.platform;
    if (instanceId === this.#self.instanceId || this.#links.has(instanceId) || this.#dials.has(instanceId)) return;
    const frozenDial = this.#frozen.get(instanceId);
    if (frozenDial !== undefined) {
      const now = clock.now();
      if (now - frozenDial < FROZEN_REDIAL) return;
      this.#frozen.set(instanceId, now);
    }
    this.#dials.set(instanceId, Promise.withResolvers<void>());
    const answer = await transport.dial(record);
    if (typeof answer === 'object') return this.#adopt(answer, 'dialler', instanceId);
    this.#endDial(instanceId);
    if (answer === 'gone') await this.#bury(record);
  }

  #endDial(instanceId: string): void {
    this.#dials.get(instanceId)?.resolve();
    this.#dials.delete(instanceId);
  }

  async #bury({ instanceId, endpoint }: PeerRecord): Promise<void> {
    this.#ports.log('info', `${instanceId} is gone`);
    await this.#ports.registry.remove(instanceId);
    this.#frozen.delete(instanceId);
    this.#unreachable.delete(instanceId);
    this.#ports.platform.transport.removeStale(endpoint);
    this.#ports.peersChanged();
  }

  /** @param dialled id of the instance that was dialled */
  #adopt(connection: Connection, role: PeerLink['role'], dialled?: string): void {
    // First of all: whoever hears of the end may dial anew.
    if (dialled !== undefined) connection.on('close', () => this.#endDial(dialled));
    if (this.#closing || this.#strangers.size >= MAX_STRANGERS) {
      connection.destroy();
      return;
    }
    const events: LinkEvents = {
      ready: (link) => this.#welcome(link),
      frame: (link, frame) => this.#receive(link, frame),
      closed: (link, problem) => this.#farewell(link, link.peer?.instanceId ?? dialled, problem),
    };
    const { secret, platform } = this.#ports;
    this.#strangers.add(new PeerLink(connection, role, { self: this.#self, secret, platform }, events));
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
    this.#frozen.delete(peer.instanceId);
    this.#unreachable.delete(peer.instanceId);
    this.#dials.get(peer.instanceId)?.resolve();
    present?.cut();
    this.#ports.log('info', `connected to ${peer.editor} ${peer.instanceId} (pid ${peer.pid})`);
    this.#ports.look();
    this.#ports.peersChanged();
  }

  #receive(link: PeerLink, frame: PeerFrame): void {
    if (frame.type === 'nudge') this.#ports.look();
    else if (frame.type === 'stream') this.#ports.streamed(frame.piece);
    else if (frame.type === 'ping') link.send({ type: 'pong', cursor: this.#ports.cursor() });
    else link.cursor = frame.cursor;
  }

  #farewell(link: PeerLink, instanceId: string | undefined, problem: string | undefined): void {
    this.#strangers.delete(link);
    if (problem) this.#complain(instanceId, problem);
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
