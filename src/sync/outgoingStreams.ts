import { DevChatError, hasReason } from '../protocol/errors.ts';
import type { Log } from '../protocol/log.ts';
import { MAX_PIECE_LENGTH, type Message, type StreamPiece } from '../protocol/model.ts';
import type { Params } from '../protocol/rpc.ts';
import type { Cancel } from './clock.ts';
import type { Platform } from './platform.ts';

/** How much of a stream a crash may cost, in ms. */
const CHECKPOINT = 400;

/**
 * How long what is added waits for more once a piece was sent, in ms: less than a frame of the screen. Each piece has to
 * be read by every window there is, and a model may write hundreds of words in a second.
 */
const GATHERING = 12;

/** Where streams are kept. */
export interface StreamStore {
  begin(params: Params<'stream/start'>): Promise<Message>;
  checkpoint(messageId: string, content: string): Promise<Message>;
  end(end: { messageId: string; content: string; status: Message['status']; parts?: unknown }): Promise<Message>;
}

/** What streams are made of and where they go. */
export interface StreamPorts {
  store: StreamStore;
  platform: Pick<Platform, 'clock' | 'randomBytes'>;
  /** Called after each write to the store. */
  stored(): void;
  /** Shows a piece to all who look on; nobody answers for its arrival. Must not throw. */
  send(piece: StreamPiece): void;
  log: Log;
}

interface Stream {
  conversationId: string;
  runId: string;
  text: string;
  /** Length of what was sent to those who look on, in UTF-16 code units. */
  sent: number;
  /** Runs while what is added waits for more. */
  cancelGathering: Cancel | undefined;
  /** Runs while some of the text waits to be stored. */
  cancelCheckpoint: Cancel | undefined;
  /** Why the text cannot be stored any more, e.g. because the message was deleted. */
  failure: unknown;
}

/** The messages that are being written here, piece by piece. */
export class OutgoingStreams {
  readonly #ports: StreamPorts;
  readonly #streams = new Map<string, Stream>();
  #isClosing = false;

  constructor(ports: StreamPorts) {
    this.#ports = ports;
  }

  /** Begins a message; it is in every window at once, empty. */
  async start(params: Params<'stream/start'>): Promise<Message> {
    const { store, platform } = this.#ports;
    const message = await store.begin(params);
    const { id, conversationId, content: text } = message;
    const runId = platform.randomBytes(16).toString('hex');
    const sent = text.length;
    const replaced = this.#streams.get(id);
    if (replaced) stopTimers(replaced);
    const idle = { cancelGathering: undefined, cancelCheckpoint: undefined, failure: undefined };
    this.#streams.set(id, { conversationId, runId, text, sent, ...idle });
    this.#ports.stored();
    return message;
  }

  /**
   * Adds to the text. Who looks on sees it at once, or with what follows within {@link GATHERING}; it is on the disk a
   * moment later.
   * @throws {DevChatError} `not-found` when no such stream is open here; `deleted` when the message is gone
   */
  append(messageId: string, text: string): { length: number } {
    const stream = this.#get(messageId);
    if (stream.failure) throw stream.failure;
    if (stream.text.length + text.length - stream.sent > MAX_PIECE_LENGTH) this.#send(messageId, stream);
    stream.text += text;
    if (!stream.cancelGathering) this.#send(messageId, stream);
    this.#checkpointLater(messageId, stream);
    return { length: stream.text.length };
  }

  /**
   * Ends a message: its row is now the whole truth. Parts that are given replace those it has.
   * @throws {DevChatError} `not-found`, `deleted`, `busy`, …; after an error it can be finished again
   */
  async finish(messageId: string, status: Message['status'], parts?: unknown): Promise<Message> {
    const stream = this.#get(messageId);
    // From now on nothing may be added, and neither a piece nor a checkpoint may follow the end.
    this.#streams.delete(messageId);
    this.#send(messageId, stream);
    stopTimers(stream);
    try {
      const message = await this.#ports.store.end({ messageId, content: stream.text, status, parts });
      this.#ports.stored();
      return message;
    } catch (error) {
      if (isGone(error)) throw error;
      this.#streams.set(messageId, stream);
      if (!this.#isClosing) this.#checkpointLater(messageId, stream);
      throw error;
    }
  }

  /** Ends all that is open, as interrupted. */
  async close(): Promise<void> {
    this.#isClosing = true;
    for (const messageId of [...this.#streams.keys()]) {
      await this.finish(messageId, 'interrupted').catch((error: unknown) =>
        this.#ports.log('warn', `${messageId} was left open: ${String(error)}`),
      );
    }
  }

  /** Sends what was added since the last piece, and lets what follows gather. */
  #send(messageId: string, stream: Stream): void {
    const { conversationId, runId, sent, text } = stream;
    if (sent === text.length) return;
    this.#ports.send({ conversationId, messageId, runId, offset: sent, text: text.slice(sent) });
    stream.sent = text.length;
    stream.cancelGathering?.();
    stream.cancelGathering = this.#ports.platform.clock.after(GATHERING, () => {
      stream.cancelGathering = undefined;
      this.#send(messageId, stream);
    });
  }

  #checkpointLater(messageId: string, stream: Stream): void {
    stream.cancelCheckpoint ??= this.#ports.platform.clock.after(CHECKPOINT, () => void this.#store(messageId, stream));
  }

  async #store(messageId: string, stream: Stream): Promise<void> {
    // What is added from now on needs the next checkpoint.
    stream.cancelCheckpoint = undefined;
    // What gathers need not wait for the disk as well.
    this.#send(messageId, stream);
    try {
      await this.#ports.store.checkpoint(messageId, stream.text);
      this.#ports.stored();
    } catch (error) {
      // A message that is gone ends the stream; anything else may pass, and the next checkpoint holds this one's text.
      if (isGone(error)) stream.failure = error;
      this.#ports.log('warn', `${messageId} could not be stored: ${String(error)}`);
    }
  }

  #get(messageId: string): Stream {
    const stream = this.#streams.get(messageId);
    if (stream) return stream;
    throw new DevChatError('not-found', `No stream of message ${messageId} is open in this instance.`);
  }
}

function stopTimers(stream: Stream): void {
  stream.cancelGathering?.();
  stream.cancelGathering = undefined;
  stream.cancelCheckpoint?.();
  stream.cancelCheckpoint = undefined;
}

/** Whether there is no message to write any more. */
function isGone(error: unknown): boolean {
  return hasReason(error, 'deleted', 'not-found');
}
