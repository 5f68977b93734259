import { claimKey, decide, type Entity, keyOf, type Result } from '../../../src/hub/decide.ts';
import type {
  ChangeEvent,
  ConversationsPage,
  HubChange,
  HubConversation,
  HubMessage,
  MessagesPage,
  PushResult,
  RevisionsPage,
} from '../../../src/protocol/hub.ts';

/** Entities of one answer to a GET: few, so that nearly every list takes several questions. */
const PAGE = 4;

/** Unix time at which the simulation begins, in ms. */
const BEGINNING = 1_750_000_000_000;

interface LoggedEvent extends ChangeEvent {
  /** Number of the last event of the same push. */
  pushEnd: number;
}

interface Numbered extends Entity {
  body: HubMessage;
}

const compare = (one: string, other: string) => (one < other ? -1 : 1);
const newest = ({ revisions }: Entity) => revisions.at(-1) ?? '';

/** The hub's database in memory: what is decided is what the hub's own code decides. Each method is one transaction. */
export class ModelHub {
  /** Names this copy of the data. */
  readonly epoch: string;
  prunedThrough = 0;
  readonly #entities = new Map<string, Entity>();
  /** Every event ever made; the log are those after {@link prunedThrough}. */
  readonly #events: LoggedEvent[] = [];
  readonly #now: () => number;

  /** @param now ms since the simulation began */
  constructor(epoch: string, now: () => number) {
    this.epoch = epoch;
    this.#now = now;
  }

  /** The data as a backup holds them. */
  copy(epoch: string): ModelHub {
    const copy = new ModelHub(epoch, this.#now);
    for (const [key, entity] of this.#entities) copy.#entities.set(key, { ...entity });
    copy.#events.push(...this.#events);
    copy.prunedThrough = this.prunedThrough;
    return copy;
  }

  get head(): number {
    return this.#events.length;
  }

  get conversations(): (Entity & { body: HubConversation })[] {
    const all = [...this.#entities.values()].filter(({ type }) => type === 'conversation');
    return (all as (Entity & { body: HubConversation })[]).sort((one, other) => compare(one.body.id, other.body.id));
  }

  /** The messages of a conversation, by number. */
  messages(conversationId: string): Numbered[] {
    const all = [...this.#entities.values()].filter(({ body }) => body['conversationId'] === conversationId);
    return (all as Numbered[]).sort((one, other) => one.body.seq - other.body.seq);
  }

  push(userId: string, changes: readonly HubChange[]): PushResult[] {
    const made = new Map(this.#log.map(({ revision_id, sequence }) => [revision_id, sequence]));
    const taken = new Set(
      this.conversations.flatMap(({ body: { id } }) => this.messages(id).map(({ body }) => claimKey(id, body.seq))),
    );
    const now = BEGINNING + Math.floor(this.#now());
    const { results, events } = decide({ entities: this.#entities, made, taken, userId, now }, changes);
    const first = this.head + 1;
    const pushEnd = this.head + events.length;
    for (const event of events) {
      this.#events.push({ ...event, user_id: userId, created_at: now, sequence: this.head + 1, pushEnd });
    }
    return results.map((result) => numbered(result, first));
  }

  /** Events after a number, about `limit` of them, to the end of a push; undefined when it is not in the log. */
  changesSince(last: number, limit: number): { events: ChangeEvent[]; has_more: boolean } | undefined {
    if (last < this.prunedThrough || last > this.head) return undefined;
    const end = this.#events[Math.min(last + limit, this.head) - 1]?.pushEnd ?? 0;
    const events = this.#events.slice(last, end).map(({ pushEnd: _, ...event }) => event);
    return { events, has_more: end < this.head };
  }

  /** Forgets a part of the log. */
  prune(through: number): void {
    this.prunedThrough = Math.max(this.prunedThrough, this.#events[through - 1]?.pushEnd ?? 0);
  }

  /** What is answered to a GET; undefined when there is no such conversation. */
  get(path: string): ConversationsPage | MessagesPage | RevisionsPage | undefined {
    const { pathname, searchParams } = new URL(path, 'http://hub');
    if (pathname === '/chat/conversations') return this.#listConversations(searchParams.get('after') ?? '');
    const id = searchParams.get('conversation_id') ?? '';
    const conversation = this.#entities.get(keyOf('conversation', id));
    if (!conversation) return undefined;
    const [from, to] = [Number(searchParams.get('from_seq')), Number(searchParams.get('to_seq'))];
    const found = this.messages(id).filter(({ body: { seq } }) => from <= seq && seq <= to);
    const page = {
      last_sequence: conversation.lastMessageSequence,
      latest_sequence: this.head,
      has_more: found.length > PAGE,
    };
    const rows = found.slice(0, PAGE).map((entity) => ({ ...entity.body, revisionId: newest(entity), updatedAt: 0 }));
    if (pathname === '/chat/messages') return { messages: rows, ...page };
    return {
      revisions: rows.map(({ seq, id: messageId, revisionId }) => ({ seq, id: messageId, revisionId })),
      ...page,
    };
  }

  #listConversations(after: string): ConversationsPage {
    const found = this.conversations.filter(({ body }) => body.id > after);
    const conversations = found.slice(0, PAGE).map((entity) => {
      const { body, lastMessageSequence } = entity;
      return { ...body, lastMessageSequence, revisionId: newest(entity), updatedAt: 0 };
    });
    return { conversations, has_more: found.length > PAGE, latest_sequence: this.head, hub_epoch: this.epoch };
  }

  get #log(): LoggedEvent[] {
    return this.#events.slice(this.prunedThrough);
  }
}

function numbered(result: Result, first: number): PushResult {
  if (!('event' in result)) return result;
  const { event, ...rest } = result;
  return { ...rest, sequence: first + event } as PushResult;
}
