import * as v from 'valibot';
import { HubSettings } from './hub.ts';
import { type ImportResult, type IngestHealth, type IngestReport, IngestSettings, type Usage } from './ingest.ts';
import type { Change, Conversation, Message, StreamPiece } from './model.ts';
import { MAX_PIECE_LENGTH, MAX_TITLE_LENGTH, Role, Tags } from './model.ts';

/**
 * An id made by the writer: a UUID (version 7 by this product), which is also the idempotency key. Whoever writes it in
 * capitals means the same row.
 */
export const Id = v.pipe(v.string(), v.uuid('must be a UUID'), v.toLowerCase());
const Seq = v.pipe(v.number(), v.integer(), v.minValue(0));
const Title = v.pipe(v.string(), v.maxLength(MAX_TITLE_LENGTH));
/** What a message may come to: only a stream has messages that are still `streaming`, and ends them. */
const FinalStatus = v.picklist(['complete', 'interrupted', 'error']);
const OneConversation = v.object({ conversationId: Id });

/** Most conversations that one request moves or deletes. */
export const MAX_BATCH = 1000;

/** Most paths that one import names, so that they fit into one frame between peers. */
export const MAX_PATHS = 200;

/** Most hits that one search answers. */
export const MAX_HITS = 1000;

/**
 * The parameters of every request, checked by the instance before it acts.
 * The wire is JSON-RPC 2.0 with `Content-Length` framing.
 */
export const requestParams = {
  /** Names the database by file or by workspace folders; with neither, the user-level workspace is opened. */
  initialize: v.object({
    databasePath: v.optional(v.string()),
    workspaceFolder: v.optional(v.string()),
    /** All folders of a multi-root workspace, in order. */
    workspaceFolders: v.optional(v.array(v.string())),
    /** `workspaceFolder` keeps the database in the folder's `.devchat`; the default is the user's data directory. */
    location: v.optional(v.picklist(['user', 'workspaceFolder'])),
    client: v.optional(v.union([v.string(), v.object({ name: v.string(), version: v.optional(v.string()) })])),
    /** Joins messages that were added one after the other to one entry of `change`, with `firstSeq`. */
    joinsAddedRuns: v.optional(v.boolean()),
    /** Which transcripts of coding agents in the folders are taken into the history; without it none are. */
    ingest: v.optional(IngestSettings),
    /** The hub to be connected to, whenever this instance leads; without it none is. */
    hub: v.optional(HubSettings),
  }),
  'conversation/list': v.object({ includeDeleted: v.optional(v.boolean()) }),
  'conversation/create': v.object({ id: v.optional(Id), title: v.optional(Title) }),
  'conversation/rename': v.object({ conversationId: Id, title: Title }),
  /** Pins, archives and tags; what is not given stays. */
  'conversation/update': v.object({
    conversationId: Id,
    pinned: v.optional(v.boolean()),
    archived: v.optional(v.boolean()),
    tags: v.optional(Tags),
  }),
  /** Moves a conversation to the bin, from which it can be restored for 30 days. */
  'conversation/delete': OneConversation,
  'conversation/restore': OneConversation,
  /** Deletes a conversation for good, whether or not it is in the bin; answers when its texts are gone. */
  'conversation/purge': OneConversation,
  /** Does the same to all of them; when one of them refuses, to none. */
  'conversation/batch': v.object({
    action: v.picklist(['delete', 'restore', 'purge']),
    conversationIds: v.pipe(v.array(Id), v.minLength(1), v.maxLength(MAX_BATCH)),
  }),
  /** Copies the messages up to a number, by default all, into a new conversation; deleted ones are left out. */
  'conversation/branch': v.object({
    conversationId: Id,
    throughSeq: v.optional(Seq),
    id: v.optional(Id),
    title: v.optional(Title),
  }),
  /** Records that the user has read up to a message, by default all. */
  'conversation/markRead': v.object({ conversationId: Id, seq: v.optional(Seq) }),
  /** Tells the other windows which conversation this one shows; null when none. */
  'presence/set': v.object({ conversationId: v.nullable(Id) }),
  'message/add': v.object({
    conversationId: Id,
    id: v.optional(Id),
    role: Role,
    content: v.string(),
    author: v.optional(v.nullable(v.string())),
    model: v.optional(v.nullable(v.string())),
    parts: v.optional(v.unknown()),
    status: v.optional(FinalStatus),
  }),
  'message/update': v.object({
    messageId: Id,
    /** The revision that the change is made to; when the message has another one by now, nothing is written. */
    revision: v.optional(v.pipe(v.number(), v.integer())),
    content: v.optional(v.string()),
    parts: v.optional(v.unknown()),
    status: v.optional(FinalStatus),
  }),
  'message/delete': v.object({ messageId: Id }),
  /** Begins a message whose text comes in pieces: live in every window, and safe on disk twice a second. */
  'stream/start': v.object({
    conversationId: Id,
    id: v.optional(Id),
    role: v.optional(Role),
    author: v.optional(v.nullable(v.string())),
    model: v.optional(v.nullable(v.string())),
    parts: v.optional(v.unknown()),
  }),
  'stream/append': v.object({ messageId: Id, text: v.pipe(v.string(), v.maxLength(MAX_PIECE_LENGTH)) }),
  /** Ends the message: as `complete`, or as what else it came to; parts that are given replace those it has. */
  'stream/finish': v.object({ messageId: Id, status: v.optional(FinalStatus), parts: v.optional(v.unknown()) }),
  /** Both ends inclusive; at most 500 messages come back, the first ones of the range. */
  'message/range': v.object({ conversationId: Id, fromSeq: Seq, toSeq: Seq }),
  search: v.object({
    query: v.string(),
    limit: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MAX_HITS))),
    /** Only in this conversation, archived or not; then the hits come in the order of their numbers. */
    conversationId: v.optional(Id),
    source: v.optional(v.string()),
    /** Only in conversations with this tag, whatever its case. */
    tag: v.optional(v.string()),
    includeArchived: v.optional(v.boolean()),
  }),
  /** Makes the search index anew from the messages. */
  'search/rebuild': v.object({}),
  'sync/status': v.object({}),
  /** Changes what `initialize` said of transcripts; null for none. */
  'ingest/configure': v.object({ settings: v.nullable(IngestSettings) }),
  'ingest/status': v.object({}),
  'ingest/report': v.object({}),
  /** The same report's log alone. */
  'ingest/log': v.object({}),
  /** Reads files and folders, whatever workspace they belong to; without any, what the settings name. Answers at the end. */
  'ingest/import': v.object({
    paths: v.optional(v.pipe(v.array(v.pipe(v.string(), v.minLength(1), v.maxLength(4096))), v.maxLength(MAX_PATHS))),
  }),
  /** Looks at every transcript that the settings name again. Answers when all were read. */
  'ingest/rescan': v.object({}),
  /** Gives up on what waits to be read; `ingest/rescan` goes on with it. */
  'ingest/cancel': v.object({}),
  /** The tokens of an imported conversation. */
  'conversation/usage': OneConversation,
  /** Finds out whether a hub can be used. */
  'hub/try': HubSettings,
  /** The same, and if so, uses it. */
  'hub/connect': HubSettings,
  /** Changes what `initialize` said of the hub, without trying it; null for none. */
  'hub/configure': v.object({ settings: v.nullable(HubSettings) }),
  'hub/disconnect': v.object({}),
  'hub/status': v.object({}),
  /** Begins to share a conversation through the hub, or ends it; whatever the settings say. */
  'conversation/share': v.object({ conversationId: Id, isShared: v.boolean() }),
  /** The versions of a shared conversation's title and messages that lost against others. */
  'conversation/alternatives': OneConversation,
  /** Validates a conversation against where it comes from, and fetches what is missing. */
  'sync/resync': OneConversation,
  verify: v.object({ repair: v.optional(v.boolean()) }),
  /** Every history in the user's data directory; none of them is written. */
  'workspaces/list': v.object({}),
  'workspaces/conversations': v.object({ workspace: v.pipe(v.string(), v.uuid('must be a workspace’s id')) }),
  /** Has a folder use one of these histories; windows that are open on it go on with theirs until they open it anew. */
  'workspaces/relink': v.object({
    workspaceFolder: v.string(),
    workspace: v.pipe(v.string(), v.uuid('must be a workspace’s id')),
  }),
  shutdown: v.object({}),
};

export type Method = keyof typeof requestParams;
export type Params<M extends Method> = v.InferOutput<(typeof requestParams)[M]>;

/** Most messages that one `message/range` answers. */
export const MAX_RANGE = 500;

/** What every request answers. */
export interface Results {
  initialize: InitializeResult;
  /** `lastChangeId` was read in the same transaction: changes up to it are contained. */
  'conversation/list': { conversations: Conversation[]; lastChangeId: number };
  'conversation/create': Conversation;
  'conversation/rename': Conversation;
  'conversation/update': Conversation;
  'conversation/delete': Conversation;
  'conversation/restore': Conversation;
  'conversation/purge': Conversation;
  /** In the order of the request. */
  'conversation/batch': { conversations: Conversation[] };
  'conversation/branch': Conversation;
  'conversation/markRead': Conversation;
  'presence/set': null;
  'message/add': Message;
  'message/update': Message;
  'message/delete': Message;
  'stream/start': Message;
  /** Length of the whole text so far, in UTF-16 code units. */
  'stream/append': { length: number };
  'stream/finish': Message;
  'message/range': { messages: Message[]; lastSeq: number };
  search: SearchResult;
  /** How many messages the index is made from. */
  'search/rebuild': { messages: number };
  'sync/status': SyncStatus;
  'ingest/configure': null;
  /** Null where no transcripts are read. */
  'ingest/status': IngestHealth | null;
  'ingest/report': IngestReport;
  'ingest/log': Pick<IngestReport, 'log'>;
  'ingest/import': ImportResult;
  'ingest/rescan': ImportResult;
  'ingest/cancel': null;
  'conversation/usage': Usage;
  'hub/try': { workspaceId: string; userId: string };
  'hub/connect': { workspaceId: string; userId: string };
  'hub/configure': null;
  'hub/disconnect': null;
  'hub/status': HubStatus | null;
  'conversation/share': Conversation;
  /** In the order of the conversation, and of each message the oldest first. */
  'conversation/alternatives': { versions: OtherVersion[] };
  'sync/resync': ResyncResult;
  verify: VerifyResult;
  /** The one that was last changed first. */
  'workspaces/list': { workspaces: WorkspaceSummary[] };
  'workspaces/conversations': { conversations: ConversationSummary[] };
  'workspaces/relink': RelinkResult;
  shutdown: null;
}

export interface InitializeResult {
  instanceId: string;
  databasePath: string;
  dbEpoch: string;
  lastChangeId: number;
}

/** One message that matches a search. `snippet` marks matches with U+E000 … U+E001. */
export interface SearchHit {
  conversationId: string;
  title: string;
  messageId: string;
  seq: number;
  role: Role;
  snippet: string;
  createdAt: number;
}

/** What a search has found: at most so many hits as were asked for. */
export interface SearchResult {
  hits: SearchHit[];
  /** How many messages match, when one conversation was searched. */
  total?: number;
}

/** What is wrong with a database, each in words; `repaired` says what was wrong and no longer is. */
export interface VerifyResult {
  problems: string[];
  repaired: string[];
}

/** Whether a copy of a conversation is known to equal what it is a copy of, known to differ, or neither. */
export type SyncState = 'UNKNOWN' | 'SYNCED' | 'OUT_OF_SYNC';

/** What a validation by sequence numbers can find; see `validate` of `sync/sequence`. */
export type Validity = 'validated' | 'backend_seq_unknown' | 'gap_detected' | 'sequence_mismatch' | 'no_messages';

/** What a resync has come to. */
export interface ResyncResult {
  state: SyncState;
  reason: Validity;
  /** The numbers that were fetched, ascending, both ends inclusive. */
  fetchedRanges: { from: number; to: number }[];
  /** How many numbers that is. */
  fetched: number;
}

/** How one conversation stands. */
export interface ConversationSyncState {
  conversationId: string;
  state: SyncState;
  /** What the last validation found. */
  reason: Validity;
  /** It is being found out whether anything is missing. */
  isValidating: boolean;
  /** Messages are on their way: `fetched` of those that are wanted are here. */
  isFetching: boolean;
  fetched: number;
  wanted: number;
}

/** A sibling instance as the mesh sees it now. */
export interface PeerStatus {
  instanceId: string;
  editor: string;
  version: string;
  pid: number;
}

/** How many other windows show a conversation. */
export interface Viewers {
  conversationId: string;
  windows: number;
}

/** One history of the user, as it lies on the disk. */
export interface WorkspaceSummary {
  id: string;
  /** The folders that lead to it, as they were called last; none for windows without a folder. */
  folders: string[];
  /** The folders that led to it before. */
  formerFolders: string[];
  /** Whether a folder that exists, or windows without a folder, lead to it. */
  isInUse: boolean;
  databasePath: string;
  /** How many conversations are neither archived nor in the bin. */
  conversations: number;
  /** When one of them was last changed, in Unix ms; null when there is none. */
  lastActivity: number | null;
  /** Why it cannot be read, in words for the user; null when it can. */
  problem: string | null;
}

/** Which history a folder uses now, and which one it had. */
export interface RelinkResult {
  /** The folder's canonical path. */
  folder: string;
  workspace: string;
  /** Its history until now, which is kept: the same one when nothing has changed; null when it had none. */
  former: string | null;
}

/** A conversation of any history. */
export type ConversationSummary = Pick<Conversation, 'id' | 'title' | 'source' | 'lastSeq' | 'createdAt' | 'updatedAt'>;

/** How the connection to the hub stands. Only the leader has one; the others tell what waits for it. */
export interface HubStatus {
  url: string;
  state: 'connecting' | 'connected' | 'offline' | 'follower';
  /** Why it is offline, or what the hub would not take, in words for the user; null when all is well. */
  problem: string | null;
  /** Conversations and messages that are still to be told to the hub. */
  waiting: number;
  /** Everything up to this event of the hub is here. */
  sequence: number;
}

/** An edit that lost against another one, which somebody else had made to the same version. */
export interface OtherVersion {
  /** Number of the message; null for the conversation's title. */
  seq: number | null;
  revisionId: string;
  /** Who made it, by the hub's name, and when, in Unix ms. */
  userId: string;
  createdAt: number;
  /** What it says, and what holds instead. */
  text: string;
  present: string;
}

export interface SyncStatus {
  instanceId: string;
  databasePath: string;
  dbEpoch: string;
  /** Newest change that this instance has delivered to its client. */
  lastChangeId: number;
  peers: PeerStatus[];
  /** The instance that prunes, backs up and ingests, by the record; null before the first election. */
  leader: { instanceId: string; epoch: number } | null;
  conversations: number;
  messages: number;
  /** Why nothing can be saved at present, in words for the user; null when all is well. */
  readOnly: string | null;
  /** The hub that this instance's client has named; null when none. */
  hub: HubStatus | null;
}

/** What an instance tells its client without being asked. */
export interface Notifications {
  /**
   * Changes in commit order, of every origin, this instance's own included, with the touched conversations as they are
   * now: replacing older revisions by them brings any earlier state up to date, whatever the change types mean.
   */
  change: {
    changes: Change[];
    conversations: Conversation[];
    /** The touched messages as they are now, where they are few and short; the others are for asking. */
    messages: Message[];
  };
  /** The change feed lost its place (log pruned, database replaced or opened anew): load everything again. */
  reload: { reason: 'log-pruned' | 'database-replaced' | 'reopened'; lastChangeId: number };
  /** A piece of a message that another instance, or this one, is writing. */
  stream: StreamPiece;
  status: SyncStatus;
  /** Which conversations other windows show now, by their ids; told when it is another answer than before. */
  presence: { viewers: Viewers[] };
  /** How the reading of transcripts is doing; null where none are read. Told when it changes, four times a second at most. */
  ingest: { health: IngestHealth | null };
  /** How a conversation stands now, after each validation and during a repair. */
  syncState: ConversationSyncState;
  /** What happened to the database, in words for the user: what was lost, saved, or put back. */
  notice: {
    text: string;
    /** The instance is busy with it, and says in another notice how it has ended. */
    isUnderway?: boolean;
    /** The conversation of edits that lost against others; `conversation/alternatives` answers them. */
    conversationId?: string;
  };
}
