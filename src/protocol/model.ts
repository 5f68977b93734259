import * as v from 'valibot';

/** Who wrote a message, in the vocabulary that model APIs share. */
export const Role = v.picklist(['user', 'assistant', 'system', 'tool']);
export type Role = v.InferOutput<typeof Role>;

/** How far a message's text has got. Only `streaming` may still grow. */
export const MessageStatus = v.picklist(['complete', 'streaming', 'interrupted', 'error']);
export type MessageStatus = v.InferOutput<typeof MessageStatus>;

/** Where an agent's session was begun, and on which branch and as which model it went on last. */
export interface Origin {
  cwd: string | null;
  branch: string | null;
  model: string | null;
  /** Where it begins, when a session was forked: the other conversation, and the newest message that both have. */
  beginsIn: Beginning | null;
}

/** A message of another conversation. */
export interface Beginning {
  conversationId: string;
  seq: number;
}

/** One chat history entry of a workspace. Times are integer Unix milliseconds. */
export interface Conversation {
  id: string;
  /** Empty until someone or something names the conversation. */
  title: string;
  /** Where it comes from: `chat` for this product, otherwise an agent's name. */
  source: string;
  externalId: string | null;
  /** Null for what is no agent's session. */
  origin: Origin | null;
  /** Newest sequence number handed out in the conversation; 0 when it is empty. */
  lastSeq: number;
  lastReadSeq: number;
  /** How many messages after `lastReadSeq` there are, without deleted ones. */
  unread: number;
  pinnedAt: number | null;
  archivedAt: number | null;
  /** In the user’s order; no two differ in case alone. */
  tags: string[];
  /** The conversation that this one is a copy of, and the number up to which it was copied. */
  parentId: string | null;
  branchedFrom: number | null;
  /** Rises by one with every change of this row. */
  revision: number;
  createdAt: number;
  updatedAt: number;
  /** When it was moved to the bin, from which it can be restored until it is purged. */
  deletedAt: number | null;
  /** When it was deleted for good: nothing of it is left to be shown, and it is never listed. */
  purgedAt: number | null;
  /** It is shared with other machines through the hub. */
  isShared?: true;
}

/** One message. A deleted message stays as a tombstone: `deletedAt` set, `content` empty. */
export interface Message {
  id: string;
  conversationId: string;
  /** Position in the conversation: from 1, gap-free, never changed once it is given. */
  seq: number;
  /** The hub has still to give the number: until then the message stands after all that have one, and may move. */
  isPending?: true;
  role: Role;
  author: string | null;
  content: string;
  /** Structured parts beside the text (tool calls, attachments), as stored; null when there are none. */
  parts: unknown;
  status: MessageStatus;
  model: string | null;
  revision: number;
  createdAt: number;
  updatedAt: number;
  deletedAt: number | null;
}

/** Every kind of change-log entry that this version writes; readers meet others from newer versions. */
export type ChangeType =
  | 'ConversationCreated'
  | 'ConversationDeleted'
  | 'ConversationRestored'
  | 'ConversationPurged'
  | 'ConversationTitleUpdated'
  | 'ConversationUpdated'
  | 'ConversationRead'
  | 'MessageAdded'
  | 'MessageUpdated'
  | 'MessageDeleted';

/** One change-log entry as it travels to clients. */
export interface Change {
  id: number;
  /** A {@link ChangeType}, or a kind that only a newer version knows. */
  changeType: string;
  conversationId: string;
  messageId: string | null;
  seq: number | null;
  /** For a client that has asked for it: the entry stands for all messages added from this number to `seq`. */
  firstSeq?: number;
  newTitle: string | null;
  originInstanceId: string;
}

/**
 * A piece of a message's text while it is being written. Pieces may get lost; what counts is the row, which is
 * brought up to date at short intervals.
 */
export const StreamPiece = v.object({
  conversationId: v.string(),
  messageId: v.string(),
  /** Tells one attempt at writing the message from another. */
  runId: v.string(),
  /** Where the piece begins in the whole text, in UTF-16 code units. */
  offset: v.pipe(v.number(), v.integer(), v.minValue(0)),
  text: v.string(),
});
export type StreamPiece = v.InferOutput<typeof StreamPiece>;

/** Longest piece of a stream, in UTF-16 code units, so that it fits into one frame between peers. */
export const MAX_PIECE_LENGTH = 100_000;

/** Longest message text that is accepted, in UTF-16 code units. */
export const MAX_CONTENT_LENGTH = 10_000_000;

/** Longest conversation title that is accepted, in UTF-16 code units. */
export const MAX_TITLE_LENGTH = 500;

/** Most tags of a conversation, and the longest one, in UTF-16 code units. */
export const MAX_TAGS = 20;
export const MAX_TAG_LENGTH = 40;

/** One tag as it is stored: trimmed, without what separates tags where they are shown or typed. */
const Tag = v.pipe(
  v.string(),
  v.transform((text) => text.toWellFormed().normalize().trim()),
  v.minLength(1, 'a tag must not be empty'),
  v.maxLength(MAX_TAG_LENGTH, `a tag has at most ${MAX_TAG_LENGTH} characters`),
  v.regex(/^[^,\p{Cc}]*$/u, 'a tag has neither commas nor control characters'),
);

/** What makes tags the same. */
export const tagKey = (tag: string): string => tag.normalize().toLowerCase();

/** The tags of a conversation; of those that differ in case alone, the first is kept. */
export const Tags = v.pipe(
  v.array(Tag),
  v.transform((tags) => {
    const first = new Map<string, string>();
    for (const tag of tags) first.set(tagKey(tag), first.get(tagKey(tag)) ?? tag);
    return [...first.values()];
  }),
  v.maxLength(MAX_TAGS, `a conversation has at most ${MAX_TAGS} tags`),
);
