import { EventEmitter } from 'node:events';
import type { InstanceClient } from '../instance/client/instanceClient.ts';
import { serialiseError } from '../protocol/errors.ts';
import type { Log } from '../protocol/log.ts';
import type { Viewers } from '../protocol/rpc.ts';

/** Which conversations other windows show, and what they are told of this one. */
export class Presence {
  readonly events = new EventEmitter<{ changed: [] }>();
  readonly #client: InstanceClient;
  readonly #log: Log;
  #shown: string | null = null;
  #windows: ReadonlyMap<string, number> = new Map();

  constructor(client: InstanceClient, log: Log) {
    this.#client = client;
    this.#log = log;
    client.events.on('presence', ({ viewers }) => this.#set(viewers));
    client.events.on('state', (state) => {
      // A new process knows nothing of what this window shows, and an ended one nothing of the others.
      if (state === 'ready') void this.#tell();
      else this.#set([]);
    });
  }

  /** How many other windows show a conversation. */
  windows(conversationId: string): number {
    return this.#windows.get(conversationId) ?? 0;
  }

  /** Tells the other windows what this one shows. */
  show(conversationId: string | null): void {
    this.#shown = conversationId;
    if (this.#client.state === 'ready') void this.#tell();
  }

  #set(viewers: readonly Viewers[]): void {
    this.#windows = new Map(viewers.map(({ conversationId, windows }) => [conversationId, windows]));
    this.events.emit('changed');
  }

  async #tell(): Promise<void> {
    try {
      await this.#client.request('presence/set', { conversationId: this.#shown });
    } catch (error) {
      this.#log('warn', `presence: the other windows were not told: ${serialiseError(error).message}`);
    }
  }
}
