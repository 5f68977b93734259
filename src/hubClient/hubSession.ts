import { DevChatError } from '../protocol/errors.ts';
import { type ClientFrame, HUB_PROTOCOL, type HubErrorCode, type ServerFrame } from '../protocol/hub.ts';
import type { StreamPiece } from '../protocol/model.ts';
import type { Clock } from '../sync/clock.ts';
import type { HubConnection, HubTransport } from './transport.ts';

/** Time for an answer, in ms: what takes longer is on a connection that is of no use. */
const TIMEOUT = 20_000;

/** Most pieces of streams in a second: the hub ends sessions that send too much. */
const PIECES_PER_SECOND = 40;

/** Unsent bytes beyond which pieces of streams are left out. */
const MAX_UNSENT = 1 << 18;

type FrameOf<T extends ServerFrame['type']> = ServerFrame & { type: T };
export type Welcome = FrameOf<'welcome'>;
type Request = Exclude<ClientFrame, { type: 'stream' }>;

/** What the hub tells without being asked. */
export interface SessionEvents {
  /** There is something to pull. */
  hinted(): void;
  streamed(piece: StreamPiece): void;
  closed(): void;
}

/** The hub has refused a request, with a reason of its protocol. */
export class HubError extends DevChatError {
  readonly code: HubErrorCode;

  constructor(code: HubErrorCode, message: string) {
    super(code === 'unavailable' || code === 'going_away' ? 'offline' : 'refused', message);
    this.code = code;
  }
}

/** One connection on which questions are answered; it ends with the first that is not. */
export class HubSession {
  readonly #clock: Clock;
  readonly #events: SessionEvents;
  readonly #waiting = new Map<string, PromiseWithResolvers<ServerFrame>>();
  #connection: HubConnection | undefined;
  #requests = 0;
  /** How many pieces of streams were sent in a second of the clock. */
  #pieces = { second: 0, sent: 0 };
  #end: DevChatError | undefined;

  private constructor(clock: Clock, events: SessionEvents) {
    this.#clock = clock;
    this.#events = events;
  }

  /**
   * Connects and says hello.
   * @throws {DevChatError} why the hub cannot be used
   */
  static async open(
    { transport, clock, clientId }: { transport: HubTransport; clock: Clock; clientId: string },
    events: SessionEvents,
  ): Promise<{ session: HubSession; welcome: Welcome }> {
    const session = new HubSession(clock, events);
    session.#connection = await transport.connect({
      received: (frame) => session.#receive(frame),
      closed: (why) => session.#close(new DevChatError('offline', why)),
    });
    const hello = { type: 'hello', protocol: HUB_PROTOCOL.max, client_id: clientId } as const;
    try {
      return { session, welcome: await session.ask(hello, 'welcome') };
    } catch (error) {
      session.close();
      throw error;
    }
  }

  get isOpen(): boolean {
    return this.#end === undefined;
  }

  /** Why it has ended; undefined while it has not. */
  get end(): DevChatError | undefined {
    return this.#end;
  }

  /**
   * Sends a request and waits for its answer.
   * @throws {HubError} what the hub answered instead
   * @throws {DevChatError} `offline`, `timeout`; the session is over then
   */
  async ask<T extends ServerFrame['type']>(request: Request, type: T): Promise<FrameOf<T>> {
    if (this.#end) throw this.#end;
    const request_id = String(++this.#requests);
    const answer = Promise.withResolvers<ServerFrame>();
    this.#waiting.set(request_id, answer);
    const cancel = this.#clock.after(TIMEOUT, () => {
      this.#close(new DevChatError('timeout', 'The hub does not answer.'));
    });
    try {
      this.#connection?.send({ ...request, request_id });
      const frame = await answer.promise;
      if (frame.type === type) return frame as FrameOf<T>;
      if (frame.type === 'error') throw new HubError(frame.code, frame.message);
      throw new DevChatError('refused', `The hub answered with “${frame.type}”, which was not asked for.`);
    } finally {
      cancel();
      this.#waiting.delete(request_id);
    }
  }

  /** Passes on a piece of a stream, if they are not too many and the hub keeps up: what counts is the row. */
  stream(piece: StreamPiece): void {
    if (!this.isOpen || !this.#connection || this.#connection.unsent >= MAX_UNSENT) return;
    const second = Math.floor(this.#clock.now() / 1000);
    this.#pieces = { second, sent: this.#pieces.second === second ? this.#pieces.sent + 1 : 1 };
    if (this.#pieces.sent <= PIECES_PER_SECOND) this.#connection.send({ type: 'stream', piece });
  }

  close(): void {
    this.#close(new DevChatError('offline', 'The connection to the hub was closed.'));
  }

  #receive(frame: ServerFrame): void {
    const request_id = 'request_id' in frame ? frame.request_id : undefined;
    const waiting = request_id === undefined ? undefined : this.#waiting.get(request_id);
    if (waiting) waiting.resolve(frame);
    else if (frame.type === 'changes_available') this.#events.hinted();
    else if (frame.type === 'stream') this.#events.streamed(frame.piece);
    // Other errors that nobody waits for end the session.
    else if (frame.type === 'error') this.#close(new HubError(frame.code, frame.message));
  }

  #close(why: DevChatError): void {
    if (this.#end) return;
    this.#end = why;
    this.#connection?.close();
    for (const { reject } of this.#waiting.values()) reject(why);
    this.#events.closed();
  }
}
