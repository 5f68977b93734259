import { setTimeout as pause } from 'node:timers/promises';
import { v7 as uuid } from 'uuid';
import type { InstanceClient } from '../instance/client/instanceClient.ts';
import { hasReason } from '../protocol/errors.ts';
import { MAX_PIECE_LENGTH } from '../protocol/model.ts';
import type { ChatParts } from '../protocol/parts.ts';
import type { Params } from '../protocol/rpc.ts';

/** Least time between two pieces, in ms: as often as anybody can see. */
const INTERVAL = 33;

/** What an instance answers that was started anew and does not know the stream. */
const RESTARTED = ['instance-stopped', 'not-found'] as const;

/** What a reply's message begins with. */
export interface ReplyStart {
  conversationId: string;
  /** Id of the model. */
  model: string;
  parts: ChatParts;
}

/**
 * Writes one reply into the history while it comes, without making the model wait. When the instance is started anew
 * in the middle, the reply goes on from where the history has it.
 */
export class ReplyWriter {
  readonly id: string = uuid();
  readonly #client: InstanceClient;
  readonly #start: Params<'stream/start'>;
  readonly #failed: (error: unknown) => void;
  #text = '';
  /** How much of the text the instance has. */
  #sent = 0;
  #seq = 0;
  #draining: Promise<void> | undefined;

  private constructor(client: InstanceClient, start: Params<'stream/start'>, failed: (error: unknown) => void) {
    this.#client = client;
    this.#start = { ...start, id: this.id };
    this.#failed = failed;
  }

  /**
   * Begins the reply's message.
   * @param failed told when the rest cannot be written, e.g. because the message was deleted
   * @throws {DevChatError}
   */
  static async open(client: InstanceClient, start: ReplyStart, failed: (error: unknown) => void): Promise<ReplyWriter> {
    const writer = new ReplyWriter(client, start, failed);
    await writer.#begin();
    return writer;
  }

  /** Number of the reply's message. */
  get seq(): number {
    return this.#seq;
  }

  /** Everything written so far. */
  get text(): string {
    return this.#text;
  }

  /** Adds to the text. */
  write(piece: string): void {
    this.#text += piece;
    if (this.#next() !== '') this.#draining ??= this.#drain();
  }

  /**
   * Ends the message, after all that was written before, and replaces its parts.
   * @throws {DevChatError}
   */
  async finish(status: Params<'stream/finish'>['status'], parts: ChatParts): Promise<void> {
    await this.#draining;
    await this.#persist(async () => {
      while (this.#next() !== '') await this.#append();
      await this.#client.request('stream/finish', { messageId: this.id, status, parts });
    });
  }

  async #drain(): Promise<void> {
    try {
      while (this.#next() !== '') {
        await this.#persist(() => this.#append());
        await pause(INTERVAL);
      }
    } catch (error) {
      this.#failed(error);
    } finally {
      this.#draining = undefined;
    }
  }

  async #append(): Promise<void> {
    const text = this.#next();
    await this.#client.request('stream/append', { messageId: this.id, text });
    this.#sent += text.length;
  }

  /** What to send next; never half a character, which would be stored as another one. */
  #next(): string {
    const piece = this.#text.slice(this.#sent, this.#sent + MAX_PIECE_LENGTH);
    return /[\uD800-\uDBFF]$/u.test(piece) ? piece.slice(0, -1) : piece;
  }

  /** Does something once more if the instance was started anew meanwhile: its id makes the message the same. */
  async #persist(action: () => Promise<unknown>): Promise<void> {
    try {
      await action();
    } catch (error) {
      if (!hasReason(error, ...RESTARTED)) throw error;
      await this.#begin();
      await action();
    }
  }

  async #begin(): Promise<void> {
    const { content, seq } = await this.#client.request('stream/start', this.#start);
    this.#seq = seq;
    this.#sent = content.length;
  }
}
