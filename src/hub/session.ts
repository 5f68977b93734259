import type { FastifyBaseLogger as Log } from 'fastify';
import * as v from 'valibot';
import type { RawData, WebSocket } from 'ws';
import { CLOSE_CODES, ClientFrame, HUB_PROTOCOL, type ServerFrame } from '../protocol/hub.ts';
import { isRecord, parseJson } from '../protocol/json.ts';
import type { StreamPiece } from '../protocol/model.ts';
import { acknowledge, changesSince, type Head, head } from './changes.ts';
import type { Database } from './database.ts';
import type { Limits } from './limits.ts';
import type { Metrics } from './metrics.ts';
import { push } from './push.ts';
import { TokenBucket } from './tokenBucket.ts';
import type { Identity } from './tokens.ts';

/** What a session works with, and whom it tells. */
export interface SessionPorts {
  database: Database;
  limits: Limits;
  metrics: Metrics;
  log: Log;
  /** The workspace has new events. */
  changed(workspaceId: string, latestSequence: number): void;
  /** A piece of a stream is to be passed on. */
  streamed(from: Session, piece: StreamPiece): void;
}

/** Why the hub ends a session. */
export type EndReason = keyof typeof CLOSE_CODES;

type FrameOf<T extends ClientFrame['type']> = ClientFrame & { type: T };

/** One client's WebSocket. Frames are handled one after the other; whatever the client does, the worst is its end. */
export class Session {
  readonly identity: Identity;
  /** Resolves when the connection is gone. */
  readonly closed: Promise<void>;
  readonly #socket: WebSocket;
  readonly #ports: SessionPorts;
  readonly #bucket: TokenBucket;
  readonly #timers: NodeJS.Timeout[];
  #clientId: string | undefined;
  #isEnding = false;
  /** The epoch that the client was told; undefined before its welcome. */
  #epoch: string | undefined;
  /** The newest number that is known here, and the newest that the client was told. */
  #latest = 0;
  #told = 0;
  #work: Promise<void> = Promise.resolve();
  #waiting = 0;
  #heard = true;
  #unsent = 0;

  constructor(socket: WebSocket, identity: Identity, ports: SessionPorts) {
    const { limits } = ports;
    this.identity = identity;
    this.#socket = socket;
    this.#ports = ports;
    this.#bucket = new TokenBucket(limits.framesPerSecond, limits.frameBurst, performance.now());
    this.#timers = [
      setTimeout(() => this.#requireHello(), limits.helloTimeout),
      setInterval(() => this.#checkLiveness(), limits.pingInterval),
    ];
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    socket.on('message', (data, isBinary) => this.#receive(data, isBinary));
    socket.on('pong', () => {
      this.#heard = true;
    });
    // The close event follows.
    socket.on('error', (error) => ports.log.info({ err: error, ...identity }, 'session failed'));
    socket.on('close', (code) => {
      for (const timer of this.#timers) clearTimeout(timer);
      ports.log.info({ ...identity, code }, 'session closed');
      resolve();
    });
    ports.log.info(identity, 'session opened');
  }

  /** Bytes that the client has not taken yet. */
  get sendQueueBytes(): number {
    return this.#socket.bufferedAmount;
  }

  /** Tells that there is something to pull, unless the client knows. */
  hint(latestSequence: number): void {
    this.#latest = Math.max(this.#latest, latestSequence);
    if (this.#epoch === undefined || this.#latest <= this.#told) return;
    this.#told = this.#latest;
    this.#send({ type: 'changes_available', latest_sequence: this.#latest });
  }

  /** The same where the database itself may be another one: then nothing is true that the client was told. */
  catchUp({ hub_epoch, latest_sequence }: Head): void {
    if (this.#epoch === undefined || this.#epoch === hub_epoch) this.hint(latest_sequence);
    else this.end('going_away', 'The database was replaced. Connect again.');
  }

  /** Passes on a piece of a stream, if the client keeps up: what counts comes by pulling. */
  stream(piece: StreamPiece): void {
    if (this.#epoch !== undefined && this.sendQueueBytes < this.#ports.limits.streamQueueBytes)
      this.#send({ type: 'stream', piece });
  }

  /** Ends the session after what it is doing now, with a reason that the client is told. */
  end(code: EndReason, message: string): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    this.#ports.metrics.refusals.inc({ reason: code });
    void this.#work.then(() => {
      this.#send({ type: 'error', code, message });
      this.#socket.close(CLOSE_CODES[code], message);
      // What was read ahead is to be seen, or the end of the connection is not.
      this.#socket.resume();
    });
  }

  #receive(data: RawData, isBinary: boolean): void {
    this.#heard = true;
    if (isBinary) this.end('bad_frame', 'Frames must be text.');
    if (!this.#bucket.take(performance.now())) this.end('rate_limited', 'Too many frames. Come back later.');
    if (this.#isEnding) return;
    // One frame after the other, and none is read that nobody has time for.
    this.#socket.pause();
    this.#waiting++;
    this.#work = this.#work.then(async () => {
      if (!this.#isEnding) await this.#handle(parseJson(data.toString()));
      if (--this.#waiting === 0) this.#socket.resume();
    });
  }

  async #handle(json: unknown): Promise<void> {
    const frame = v.safeParse(ClientFrame, json);
    const request_id = isRecord(json) && typeof json['request_id'] === 'string' ? json['request_id'] : undefined;
    if (!frame.success) {
      const [issue] = frame.issues;
      const message = `${v.getDotPath(issue) ?? 'frame'}: ${issue.message}`.slice(0, 500);
      return this.#send({ type: 'error', code: 'bad_frame', message, request_id });
    }
    if (frame.output.type !== 'hello' && this.#epoch === undefined) return this.#requireHello();
    try {
      await this.#dispatch(frame.output);
    } catch (error) {
      this.#ports.log.error({ err: error, ...this.identity, frame: frame.output.type }, 'request failed');
      const message = 'The database is not available. Try again.';
      this.#send({ type: 'error', code: 'unavailable', message, request_id });
    }
  }

  async #dispatch(frame: ClientFrame): Promise<void> {
    switch (frame.type) {
      case 'hello':
        return this.#welcome(frame);
      case 'push':
        return this.#push(frame);
      case 'get_changes_since':
        return this.#pull(frame);
      case 'ack_changes':
        return this.#acknowledge(frame);
      case 'stream':
        return this.#ports.streamed(this, frame.piece);
    }
  }

  async #welcome({ protocol, client_id, request_id }: FrameOf<'hello'>): Promise<void> {
    if (protocol < HUB_PROTOCOL.min || protocol > HUB_PROTOCOL.max) {
      return this.end('unsupported_protocol', `The hub speaks version ${HUB_PROTOCOL.min} to ${HUB_PROTOCOL.max}.`);
    }
    const { workspaceId: workspace_id, userId: user_id } = this.identity;
    const { hub_epoch, latest_sequence } = await head(this.#ports.database, this.identity);
    this.#clientId = client_id;
    this.#epoch = hub_epoch;
    this.#told = latest_sequence;
    this.#send({ type: 'welcome', protocol, hub_epoch, latest_sequence, workspace_id, user_id, request_id });
    // What was hinted while the answer was under way.
    this.hint(latest_sequence);
  }

  async #push({ changes, request_id }: FrameOf<'push'>): Promise<void> {
    const { metrics, database, changed } = this.#ports;
    const measured = metrics.pushSeconds.startTimer();
    const { results, latest, events } = await push(database, this.identity, changes);
    measured();
    metrics.events.inc(events);
    this.#send({ type: 'push_result', results, request_id });
    if (latest !== undefined) changed(this.identity.workspaceId, latest);
  }

  async #pull({ last_sequence, limit, request_id }: FrameOf<'get_changes_since'>): Promise<void> {
    const { metrics, database } = this.#ports;
    const measured = metrics.pullSeconds.startTimer();
    const page = await changesSince(database, this.identity, last_sequence, limit);
    measured();
    if (!page) {
      const message = `The log does not reach back to ${last_sequence}, or does not know it. Validate everything.`;
      return this.#send({ type: 'error', code: 'resync_required', message, request_id });
    }
    const newest = page.events.at(-1);
    if (newest) metrics.lagSeconds.observe(Math.max(0, Date.now() - newest.created_at) / 1000);
    this.#told = Math.max(this.#told, page.latest_sequence);
    this.#send({ type: 'changes', ...page, request_id });
  }

  async #acknowledge({ up_to_sequence, request_id }: FrameOf<'ack_changes'>): Promise<void> {
    if (this.#clientId === undefined) {
      const message = 'Name the replica by “client_id” in “hello”.';
      return this.#send({ type: 'error', code: 'bad_frame', message, request_id });
    }
    const { database } = this.#ports;
    const sequence = await acknowledge(database, this.identity, this.#clientId, up_to_sequence);
    if (sequence !== undefined) return this.#send({ type: 'changes_acknowledged', sequence, request_id });
    const message = `There is no event ${up_to_sequence}. Validate everything.`;
    this.#send({ type: 'error', code: 'resync_required', message, request_id });
  }

  #send(frame: ServerFrame): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    this.#socket.send(JSON.stringify(frame));
    if (this.sendQueueBytes > this.#ports.limits.sendQueueBytes)
      this.end('slow_client', 'Too slow. Connect again and pull.');
  }

  #requireHello(): void {
    if (this.#epoch === undefined) this.end('hello_required', 'The first frame must be “hello”, and come soon.');
  }

  /** A client is there if it answers, or at least takes what is sent, however slowly. */
  #checkLiveness(): void {
    const isTaking = this.sendQueueBytes < this.#unsent;
    if (!this.#heard && !isTaking && this.#waiting === 0) this.#socket.terminate();
    this.#heard = false;
    this.#unsent = this.sendQueueBytes;
    this.#socket.ping();
  }
}
