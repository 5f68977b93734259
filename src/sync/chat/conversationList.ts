import type { ChatSyncPorts, ConversationHead } from './ports.ts';
import { backOff } from './repair.ts';
import { wait } from './timers.ts';

/** Who wants to know the upstream's list. */
export interface ListReader {
  /** Called before the upstream is asked. */
  asking(): void;
  answered(conversations: readonly ConversationHead[]): void;
}

/** Asks the upstream for its list: one request at a time, and none of an earlier connection counts. */
export class ConversationList {
  readonly #ports: ChatSyncPorts;
  readonly #reader: ListReader;
  #connection = new AbortController();
  #asking: Promise<void> | undefined;

  constructor(ports: ChatSyncPorts, reader: ListReader) {
    this.#ports = ports;
    this.#reader = reader;
  }

  /** Asks anew with every connection, and until there is an answer. */
  async connected(): Promise<void> {
    this.dispose();
    this.#connection = new AbortController();
    const { signal } = this.#connection;
    for (let failures = 1; !signal.aborted; failures++) {
      try {
        return await this.ask();
      } catch (error) {
        if (signal.aborted) return;
        this.#ports.failed(error);
        await wait(this.#ports.timers, backOff(failures), signal);
      }
    }
  }

  /**
   * Resolves when the list was told to the reader; whoever asks meanwhile shares the answer.
   * @throws what the upstream failed with
   */
  async ask(): Promise<void> {
    const { signal } = this.#connection;
    this.#asking ??= this.#ask(signal);
    try {
      await this.#asking;
    } catch (error) {
      if (signal === this.#connection.signal) throw error;
    }
    // Another connection was made, and only its answer counts.
    if (signal !== this.#connection.signal) await this.ask();
  }

  dispose(): void {
    this.#connection.abort();
    this.#asking = undefined;
  }

  async #ask(signal: AbortSignal): Promise<void> {
    this.#reader.asking();
    try {
      const conversations = await this.#ports.upstream.list(signal);
      if (!signal.aborted) this.#reader.answered(conversations);
    } finally {
      if (!signal.aborted) this.#asking = undefined;
    }
  }
}
