import { EventEmitter } from 'node:events';
import type { InstanceClient } from '../instance/client/instanceClient.ts';
import { serialiseError } from '../protocol/errors.ts';
import type { Log } from '../protocol/log.ts';
import type { Change, Conversation, Message } from '../protocol/model.ts';

/** What the history tells its listeners. */
export interface HistoryEvents {
  /** The set of conversations, or something about them, is another one. */
  updated: [];
  /** Changes that were just applied, in commit order, with the rows of messages that came along. */
  changes: [readonly Change[], readonly Message[]];
  /** Everything was read anew; anything derived from earlier changes may be stale. */
  reloaded: [];
  /** The conversations could not be read; the text is for the user. */
  failed: [problem: string];
}

/** Whether an agent has written a conversation; what is added to it here would be out of place among its records. */
export function isImported({ externalId }: Pick<Conversation, 'externalId'>): boolean {
  return externalId !== null;
}

/** This window's copy of the list of conversations, kept in step by the change feed. */
export class History {
  readonly events = new EventEmitter<HistoryEvents>();
  readonly #client: InstanceClient;
  readonly #log: Log;
  #conversations = new Map<string, Conversation>();
  #isLoaded = false;
  /** Rows that came while the list was being read, and may be newer than the list. */
  #arrived: Conversation[] | undefined;

  constructor(client: InstanceClient, log: Log) {
    this.#client = client;
    this.#log = log;
    client.events.on('state', (state) => {
      if (state === 'ready') void this.#load();
    });
    client.events.on('reload', ({ reason }) => {
      log('warn', `history: everything is read anew (${reason})`);
      void this.#load();
    });
    client.events.on('change', ({ changes, conversations, messages }) => {
      for (const conversation of conversations) this.#merge(conversation);
      this.events.emit('changes', changes, messages);
      this.events.emit('updated');
    });
  }

  /** False until the list was read once. */
  get isLoaded(): boolean {
    return this.#isLoaded;
  }

  /** The conversation with this id, unless it is unknown or in the bin. */
  get(id: string): Conversation | undefined {
    const conversation = this.#conversations.get(id);
    return conversation?.deletedAt === null ? conversation : undefined;
  }

  /** Newest number of a conversation, in the bin or not; 0 when it is unknown. */
  lastSeq(id: string): number {
    return this.#conversations.get(id)?.lastSeq ?? 0;
  }

  /** The conversations that are not in the bin, newest activity first. */
  live(): Conversation[] {
    return this.#sorted((conversation) => conversation.deletedAt === null);
  }

  /** The conversations in the bin, newest activity first. */
  deleted(): Conversation[] {
    return this.#sorted(({ deletedAt, purgedAt }) => deletedAt !== null && purgedAt === null);
  }

  /** How many messages of the conversations at hand nobody has read. */
  unread(): number {
    let unread = 0;
    for (const conversation of this.#conversations.values()) {
      if (conversation.deletedAt === null && conversation.archivedAt === null) unread += conversation.unread;
    }
    return unread;
  }

  /** Takes rows that an answer brought, so that the window need not wait for its own change to come round. */
  apply(...conversations: Conversation[]): void {
    for (const conversation of conversations) this.#merge(conversation);
    this.events.emit('updated');
  }

  async #load(): Promise<void> {
    const arrived: Conversation[] = [];
    this.#arrived = arrived;
    try {
      const { conversations } = await this.#client.request('conversation/list', { includeDeleted: true });
      // A later load is under way, and will know better.
      if (this.#arrived !== arrived) return;
      this.#conversations = new Map(conversations.map((conversation) => [conversation.id, conversation]));
      this.#arrived = undefined;
      for (const conversation of arrived) this.#merge(conversation);
      this.#isLoaded = true;
      this.events.emit('reloaded');
      this.events.emit('updated');
    } catch (error) {
      if (this.#arrived === arrived) this.#arrived = undefined;
      const { reason, message } = serialiseError(error);
      this.#log('error', `history: the conversations could not be read: ${message}`);
      // A restart reads them again, and says itself when it cannot.
      if (reason !== 'instance-stopped') this.events.emit('failed', message);
    }
  }

  #merge(conversation: Conversation): void {
    this.#arrived?.push(conversation);
    const known = this.#conversations.get(conversation.id);
    if (!known || known.revision < conversation.revision) this.#conversations.set(conversation.id, conversation);
  }

  #sorted(wanted: (conversation: Conversation) => boolean): Conversation[] {
    return [...this.#conversations.values()]
      .filter(wanted)
      .sort((a, b) => b.updatedAt - a.updatedAt || (a.id < b.id ? 1 : -1));
  }
}
