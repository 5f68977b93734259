import type { InstanceClient } from '../instance/client/instanceClient.ts';
import { serialiseError } from '../protocol/errors.ts';
import type { Log } from '../protocol/log.ts';
import type { History } from './history.ts';

/** How long a message must be seen to count as read, in ms; it also bounds how often that is written. */
const DWELL = 300;

/** What marking something as read takes. */
export interface ReadMarkPorts {
  client: InstanceClient;
  history: History;
  /** Whether the user is at this window. */
  isFocused(): boolean;
  log: Log;
}

/** Marks what the user has seen in one panel as read, for all windows. */
export class ReadMark {
  readonly #ports: ReadMarkPorts;
  #seen: { conversationId: string; seq: number } | null = null;
  #timer: NodeJS.Timeout | undefined;

  constructor(ports: ReadMarkPorts) {
    this.#ports = ports;
  }

  /** Takes note of the conversation whose end is on screen, and its newest number; null when none is. */
  see(seen: { conversationId: string; seq: number } | null): void {
    this.#seen = seen;
    this.look();
  }

  /** Marks what is on screen, if it stays there for a moment; due again when the user comes back to the window. */
  look(): void {
    if (this.#isDue()) this.#timer ??= setTimeout(() => void this.#mark(), DWELL);
  }

  dispose(): void {
    this.#seen = null;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #isDue(): boolean {
    if (this.#seen === null || !this.#ports.isFocused()) return false;
    const conversation = this.#ports.history.get(this.#seen.conversationId);
    return conversation !== undefined && conversation.unread > 0 && conversation.lastReadSeq < this.#seen.seq;
  }

  async #mark(): Promise<void> {
    const { client, history, log } = this.#ports;
    this.#timer = undefined;
    try {
      if (this.#seen && this.#isDue()) history.apply(await client.request('conversation/markRead', this.#seen));
    } catch (error) {
      log('warn', `chat: what was read could not be marked: ${serialiseError(error).message}`);
    }
  }
}
