import * as v from 'valibot';
import { errorText } from '../../protocol/errors.ts';
import type { IngestWish } from '../../protocol/ingest.ts';
import { MAX_FRAME, MAX_HANDSHAKE_FRAME, PeerFrame } from '../../protocol/peer.ts';
import type { Cancel } from '../clock.ts';
import type { Platform } from '../platform.ts';
import { encodeFrame, FrameDecoder } from './frames.ts';
import { Handshake, type Introduction, type Role } from './handshake.ts';
import type { Connection } from './transport.ts';

/** How long a handshake, or the arrival of one frame, may take, in ms. */
const DEADLINE = 2000;

/** Unsent bytes at which a peer counts as too slow; it will catch up from the change log. */
const MAX_BACKLOG = 1 << 20;

/** How a link proves itself. */
export interface LinkPorts {
  self: Introduction;
  /** What the peers on one database know. */
  secret: string;
  platform: Pick<Platform, 'clock' | 'randomBytes'>;
}

/** What a link tells its owner. */
export interface LinkEvents {
  /** The peer has proved itself; from now on frames flow. */
  ready(link: PeerLink): void;
  frame(link: PeerLink, frame: PeerFrame): void;
  /** Comes once, whatever the end was; `problem` says why the link was cut from this side. */
  closed(link: PeerLink, problem: string | undefined): void;
}

/** One connection to a sibling instance. Whatever the other end does, the worst outcome is a closed link. */
export class PeerLink {
  readonly role: Role;
  /** Who the peer is; undefined until it has proved itself. */
  peer: Introduction | undefined;
  /** Newest change that the peer said it has read; undefined until it has said so. */
  cursor: number | undefined;
  /** The conversation that the peer's user sees, as far as the peer has said. */
  presence: string | null = null;
  /** The transcripts that the peer's client wants to be read, as far as the peer has said. */
  wish: IngestWish | null = null;
  /** Whether it was cut because nothing at all had come from the peer in time. */
  isUnanswered = false;
  /** When the last frame came, in ms of the monotonic clock. */
  lastHeard: number;
  readonly #connection: Connection;
  readonly #ports: LinkPorts;
  readonly #events: LinkEvents;
  readonly #handshake: Handshake;
  readonly #decoder = new FrameDecoder(MAX_HANDSHAKE_FRAME);
  #hasHeard = false;
  #proofSent = false;
  #cancelDeadline: Cancel | undefined;
  #problem: string | undefined;

  /** @param dialled id of the instance that was dialled; undefined when it is the peer that has dialled */
  constructor(connection: Connection, dialled: string | undefined, ports: LinkPorts, events: LinkEvents) {
    const { self, secret, platform } = ports;
    this.role = dialled === undefined ? 'listener' : 'dialler';
    this.lastHeard = platform.clock.now();
    this.#connection = connection;
    this.#ports = ports;
    this.#events = events;
    this.#handshake = new Handshake(this.role, secret, self, platform.randomBytes(32).toString('hex'), dialled);
    this.#startDeadline('the handshake took too long');
    connection.on('data', (chunk) => this.#receive(chunk));
    // The close event follows and tells the owner.
    connection.on('error', (error) => {
      this.#problem ??= error.message;
    });
    connection.on('close', () => {
      this.#stopDeadline();
      events.closed(this, this.#problem);
    });
    connection.write(encodeFrame(this.#handshake.hello));
  }

  /** Sends a frame, if the peer keeps up; a peer that does not is cut off. */
  send(frame: PeerFrame): void {
    if (this.#connection.destroyed) return;
    this.#connection.write(encodeFrame(frame));
    if (this.#connection.writableLength > MAX_BACKLOG) this.cut('the peer reads too slowly');
  }

  /** Ends the link after what was sent has left, for which a peer that does not read is given {@link DEADLINE}. */
  end(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancelCut = this.#ports.platform.clock.after(DEADLINE, () => this.cut());
    this.#connection.on('close', () => {
      cancelCut();
      resolve();
    });
    this.#connection.destroySoon();
    return promise;
  }

  /** Ends the link at once. */
  cut(problem?: string): void {
    this.#problem ??= problem;
    this.#connection.destroy();
  }

  #receive(chunk: Buffer): void {
    this.#hasHeard = true;
    try {
      for (const frame of this.#decoder.push(chunk)) {
        if (this.#connection.destroyed) return;
        this.lastHeard = this.#ports.platform.clock.now();
        // Of a proved peer the deadline is that of one frame, however many follow it without a pause.
        if (this.peer) this.#stopDeadline();
        this.#handle(frame);
      }
    } catch (error) {
      this.cut(errorText(error));
      return;
    }
    if (this.peer && this.#decoder.isPartial && !this.#cancelDeadline) this.#startDeadline('a frame took too long');
  }

  #handle(frame: object): void {
    if (this.peer) {
      const known = v.safeParse(PeerFrame, frame);
      if (known.success) this.#events.frame(this, known.output);
    } else if (!this.#proofSent) {
      this.#connection.write(encodeFrame(this.#handshake.answer(frame)));
      this.#proofSent = true;
    } else {
      this.peer = this.#handshake.accept(frame);
      this.#decoder.limit = MAX_FRAME;
      this.#stopDeadline();
      this.#events.ready(this);
    }
  }

  #startDeadline(problem: string): void {
    const { clock } = this.#ports.platform;
    let isDue = true;
    // Where this process was late itself, what has come meanwhile is read first.
    const cancel = clock.after(DEADLINE, () => clock.nextTurn(() => isDue && this.#expire(problem)));
    this.#cancelDeadline = () => {
      isDue = false;
      cancel();
    };
  }

  #expire(problem: string): void {
    this.isUnanswered = !this.#hasHeard;
    this.cut(problem);
  }

  #stopDeadline(): void {
    this.#cancelDeadline?.();
    this.#cancelDeadline = undefined;
  }
}
