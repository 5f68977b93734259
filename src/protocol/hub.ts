import * as v from 'valibot';
import { MAX_CONTENT_LENGTH, MAX_TITLE_LENGTH, MessageStatus, Role, StreamPiece } from './model.ts';
import { Patch } from './patch.ts';

/** Which conversations a client shares of itself; the user's word on a single one goes before. */
export const Share = v.union([v.picklist(['none', 'all']), v.object({ sources: v.array(v.string()) })]);
export type Share = v.InferOutput<typeof Share>;

/** Which hub a client uses, and how. */
export const HubSettings = v.object({
  url: v.pipe(v.string(), v.url('must be a URL'), v.regex(/^https?:/iu, 'must begin with https:// or http://')),
  token: v.pipe(v.string(), v.minLength(1), v.regex(/^\S+$/u, 'must not contain blanks')),
  share: v.optional(Share, 'none'),
});
export type HubSettings = v.InferOutput<typeof HubSettings>;

/** Versions of the hub protocol that this program speaks. */
export const HUB_PROTOCOL = { min: 1, max: 1 } as const;

/** Largest frame in either direction that a client may send, in bytes; longer texts are appended piece by piece. */
export const MAX_HUB_FRAME = 16 << 20;

/** Most changes in one push. */
export const MAX_PUSH_CHANGES = 500;

/** Most events that one `changes` answers, to the next end of a push. */
export const MAX_PULL = 500;

/** Most versions of one entity that lost against others and are kept. */
export const MAX_ALTERNATIVES = 20;

/** Most messages that a conversation may have when it is published. */
export const MAX_PUBLISHED_SEQ = 10_000_000;

/** Most entities in one answer of `GET /chat/revisions`. */
export const MAX_REVISIONS = 5000;

/** Lower case, so that equal ids are equal texts. */
const Id = v.pipe(v.string(), v.regex(/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/u, 'must be a lower-case UUID'));
const Count = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(Number.MAX_SAFE_INTEGER));
/** Unix milliseconds. */
const Time = Count;
const Name = v.pipe(v.string(), v.maxLength(500));

/** What an edit wanted that lost against another one. */
export const Alternative = v.object({
  revisionId: Id,
  /** The revision that it was made to. */
  baseRevisionId: Id,
  userId: v.string(),
  createdAt: Time,
  patch: Patch,
});
export type Alternative = v.InferOutput<typeof Alternative>;

/** A conversation as the hub keeps it. Members that only newer clients know are kept too. */
export const HubConversation = v.looseObject({
  id: Id,
  title: v.pipe(v.string(), v.maxLength(MAX_TITLE_LENGTH)),
  source: v.pipe(v.string(), v.minLength(1), v.maxLength(100)),
  externalId: v.nullable(Name),
  createdAt: Time,
  deletedAt: v.nullable(Time),
  /** Numbers up to this one are kept for the messages that the conversation had when it was published. */
  publishedSeq: v.optional(v.pipe(Count, v.maxValue(MAX_PUBLISHED_SEQ))),
  alternatives: v.pipe(v.array(Alternative), v.maxLength(MAX_ALTERNATIVES)),
});
export type HubConversation = v.InferOutput<typeof HubConversation>;

/** A message as the hub keeps it; deleted, it is a tombstone without text. */
export const HubMessage = v.looseObject({
  id: Id,
  conversationId: Id,
  /** Position in the conversation, given by the hub: from 1, gap-free, never changed. */
  seq: v.pipe(Count, v.minValue(1)),
  role: Role,
  author: v.nullable(Name),
  content: v.pipe(v.string(), v.maxLength(MAX_CONTENT_LENGTH)),
  parts: v.unknown(),
  status: MessageStatus,
  model: v.nullable(Name),
  createdAt: Time,
  deletedAt: v.nullable(Time),
  alternatives: v.pipe(v.array(Alternative), v.maxLength(MAX_ALTERNATIVES)),
});
export type HubMessage = v.InferOutput<typeof HubMessage>;

const change = {
  entity_type: v.picklist(['conversation', 'message']),
  entity_id: Id,
  /** Made by who changes it; repeating a change is recognised by it. */
  revision_id: Id,
  json_patch: Patch,
};

/** A change that a client wants. The patch of a `create` adds the whole entity at the path ''. */
export const HubChange = v.variant('event_type', [
  v.object({ ...change, event_type: v.literal('create') }),
  v.object({ ...change, event_type: v.literal('update'), base_revision_id: Id }),
  v.object({
    ...v.omit(v.object(change), ['json_patch']).entries,
    event_type: v.literal('delete'),
    base_revision_id: Id,
  }),
]);
export type HubChange = v.InferOutput<typeof HubChange>;
export type EntityType = HubChange['entity_type'];

/** A change that has happened. An entity is what the patches of its events, in order, make of nothing. */
export const ChangeEvent = v.object({
  ...change,
  /** Gap-free per workspace, in the order of commits. */
  sequence: v.pipe(Count, v.minValue(1)),
  event_type: v.picklist(['create', 'update', 'delete']),
  user_id: v.string(),
  created_at: Time,
});
export type ChangeEvent = v.InferOutput<typeof ChangeEvent>;

/** Why a change was not made. `conflict`: it names another revision than the present one. */
export type Refusal = 'bad-request' | 'not-found' | 'deleted' | 'conflict' | 'too-large';

/** What became of one pushed change. */
export type PushResult = { entity_id: string; revision_id: string } & (
  | { outcome: 'applied'; sequence: number; message_sequence?: number }
  /** It was made before; `sequence` is that of its event, null when that was cleaned up. */
  | { outcome: 'duplicate'; sequence: number | null; message_sequence?: number }
  /** Another edit came first; this one is kept as an alternative, by the event `sequence`. */
  | { outcome: 'conflict'; sequence: number }
  /** Nothing was changed; `length` is the present length of a text that could not be appended to. */
  | { outcome: 'refused'; reason: Refusal; message: string; length?: number }
);

const request = { request_id: v.optional(v.pipe(v.string(), v.maxLength(100))) };

/** What a client sends. `hello` comes first; a `request_id` comes back in the answer. */
export const ClientFrame = v.variant('type', [
  v.object({
    ...request,
    type: v.literal('hello'),
    protocol: v.optional(v.number(), HUB_PROTOCOL.min),
    /** Names the replica whose acknowledged place is kept; without it nothing is kept. */
    client_id: v.optional(Id),
  }),
  v.object({
    ...request,
    type: v.literal('push'),
    changes: v.pipe(v.array(HubChange), v.minLength(1), v.maxLength(MAX_PUSH_CHANGES)),
  }),
  v.object({
    ...request,
    type: v.literal('get_changes_since'),
    last_sequence: Count,
    limit: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MAX_PULL)), MAX_PULL),
  }),
  v.object({ ...request, type: v.literal('ack_changes'), up_to_sequence: Count }),
  v.object({ ...request, type: v.literal('stream'), piece: StreamPiece }),
]);
export type ClientFrame = v.InferOutput<typeof ClientFrame>;

/** Names of errors that the hub tells a client. */
export type HubErrorCode =
  | 'bad_frame'
  | 'hello_required'
  | 'unsupported_protocol'
  /** The place is not in the log (cleaned up, or of another epoch): validate everything against the lists. */
  | 'resync_required'
  | 'rate_limited'
  | 'slow_client'
  | 'token_revoked'
  | 'going_away'
  /** The database cannot be reached; it is not known whether a push was made. Repeat it. */
  | 'unavailable';

interface Answer {
  request_id?: string | undefined;
}

/** What the hub sends. */
export type ServerFrame =
  | (Answer & {
      type: 'welcome';
      protocol: number;
      hub_epoch: string;
      latest_sequence: number;
      workspace_id: string;
      user_id: string;
    })
  | (Answer & { type: 'push_result'; results: PushResult[] })
  | (Answer & { type: 'changes'; events: ChangeEvent[]; latest_sequence: number; has_more: boolean })
  | (Answer & { type: 'changes_acknowledged'; sequence: number })
  | { type: 'changes_available'; latest_sequence: number }
  | { type: 'stream'; piece: StreamPiece }
  | (Answer & { type: 'error'; code: HubErrorCode; message: string });

/** Codes of WebSocket closings by the hub; 1001 (going away) and 1009 (frame too large) have their usual meaning. */
export const CLOSE_CODES = {
  going_away: 1001,
  bad_frame: 4000,
  token_revoked: 4001,
  hello_required: 4002,
  unsupported_protocol: 4003,
  rate_limited: 4004,
  slow_client: 4005,
} as const satisfies Partial<Record<HubErrorCode, number>>;

/** Query of `GET /chat/conversations`: a page of at most `limit`, by id, after the one named. */
export const ConversationsQuery = v.object({
  after: v.optional(Id),
  limit: v.optional(
    v.pipe(v.string(), v.toNumber(), v.integer(), v.minValue(1), v.maxValue(MAX_PULL)),
    String(MAX_PULL),
  ),
});

/** What the list tells of a conversation beside the document. */
export interface ListedConversation extends HubConversation {
  lastMessageSequence: number;
  revisionId: string;
  updatedAt: number;
}

export interface ConversationsPage {
  conversations: ListedConversation[];
  has_more: boolean;
  /** Events up to this one are contained. */
  latest_sequence: number;
  hub_epoch: string;
}

const Seq = v.pipe(v.string(), v.toNumber(), v.integer(), v.minValue(0), v.maxValue(Number.MAX_SAFE_INTEGER));

/** Query of `GET /chat/messages`: both ends inclusive. */
export const MessagesQuery = v.object({ conversation_id: Id, from_seq: Seq, to_seq: Seq });
export type MessagesQuery = v.InferOutput<typeof MessagesQuery>;

/** A message with its present revision. */
export interface ListedMessage extends HubMessage {
  revisionId: string;
  updatedAt: number;
}

export interface MessagesPage {
  /** Ascending, at most 500, from the beginning of the range. */
  messages: ListedMessage[];
  /** The conversation's newest number. */
  last_sequence: number;
  /** The range has messages that this answer had no room for. */
  has_more: boolean;
  /** Events up to this one are contained. */
  latest_sequence: number;
}

/** What `GET /chat/revisions` answers to a {@link MessagesQuery}: enough to find out which messages to ask for. */
export interface RevisionsPage {
  /** Ascending, at most {@link MAX_REVISIONS}, from the beginning of the range. */
  revisions: { seq: number; id: string; revisionId: string }[];
  last_sequence: number;
  has_more: boolean;
  /** Events up to this one are contained. */
  latest_sequence: number;
}
