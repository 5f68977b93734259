import { DevChatError } from '../../src/protocol/errors.ts';
import type { Change, ChangeType, Conversation, Message, MessageStatus } from '../../src/protocol/model.ts';
import type { LeaderRecord } from '../../src/store/leader.ts';
import type { PeerRecord } from '../../src/store/peers.ts';
import type { StreamOwner } from '../../src/store/streams.ts';
import type { FeedPage } from '../../src/sync/changeFeed.ts';

/** Messages that a page brings along, if it touches no more of them. */
const FEW = 20;

interface LogEntry {
  change: Change;
  /** Id of the first entry of the same transaction. */
  txn: number;
  createdAt: number;
}

/**
 * The shared database in memory. Each method is one transaction: it checks first, and changes nothing when it throws.
 * Rows are replaced, never changed, so that whoever holds one holds a version of it.
 */
export class ModelDatabase {
  readonly conversations = new Map<string, Conversation>();
  readonly messages = new Map<string, Message>();
  readonly peers = new Map<string, PeerRecord>();
  /** Writers by the messages that they are writing. */
  readonly streams = new Map<string, string>();
  /** Every leadership there ever was; the last one holds. */
  readonly leaders: LeaderRecord[] = [{ instanceId: '', epoch: 0 }];
  prunedThrough = 0;
  /** How many transactions have changed anything. */
  commits = 0;
  /** Every entry ever made; the log are those after {@link prunedThrough}. */
  readonly #entries: LogEntry[] = [];
  readonly #wallTime: () => number;

  /** The secret of the peers. */
  readonly secret: string;

  /** @param wallTime Unix time in ms */
  constructor(secret: string, wallTime: () => number) {
    this.secret = secret;
    this.#wallTime = wallTime;
  }

  /** The database as a copy of its file holds it, with what others are writing elsewhere. */
  copy(): ModelDatabase {
    const copy = new ModelDatabase(this.secret, this.#wallTime);
    for (const [id, row] of this.conversations) copy.conversations.set(id, row);
    for (const [id, row] of this.messages) copy.messages.set(id, row);
    for (const [id, peer] of this.peers) copy.peers.set(id, peer);
    for (const [id, writer] of this.streams) copy.streams.set(id, writer);
    copy.#entries.push(...this.#entries);
    copy.leaders.push(...this.leaders.slice(1));
    copy.prunedThrough = this.prunedThrough;
    return copy;
  }

  get leader(): LeaderRecord {
    return this.leaders.at(-1) as LeaderRecord;
  }

  get head(): number {
    return this.#entries.length;
  }

  /** Every change ever made after a cursor and up to another, pruned or not. */
  everything(after: number, through: number): Change[] {
    return this.#entries.slice(after, through).map(({ change }) => change);
  }

  changesAfter(cursor: number, limit: number): FeedPage {
    const { head } = this;
    if (cursor < this.prunedThrough || cursor > head) {
      return { changes: [], conversations: [], messages: [], pruned: true, head };
    }
    let end = Math.min(cursor + limit, head);
    const txn = this.#entries[end - 1]?.txn;
    while (end > cursor && end < head && this.#entries[end]?.txn === txn) end++;
    const changes = this.everything(cursor, end);
    const conversationIds = new Set(changes.map(({ conversationId }) => conversationId));
    const messageIds = new Set(changes.flatMap(({ messageId }) => messageId ?? []));
    return {
      changes,
      conversations: [...conversationIds].flatMap((id) => this.conversations.get(id) ?? []),
      messages: messageIds.size > FEW ? [] : [...messageIds].flatMap((id) => this.messages.get(id) ?? []),
      pruned: false,
      head,
    };
  }

  /** @returns how many entries went */
  prune(before: number, through: number): number {
    const kept = this.#entries
      .slice(this.prunedThrough)
      .find(({ change, createdAt }) => change.id > through || createdAt >= before);
    const last = kept ? kept.txn - 1 : this.head;
    const pruned = last - this.prunedThrough;
    if (pruned <= 0) return 0;
    this.prunedThrough = last;
    this.commits++;
    return pruned;
  }

  register(peer: PeerRecord): void {
    this.peers.set(peer.instanceId, peer);
    this.commits++;
  }

  remove(instanceId: string): void {
    if (this.peers.delete(instanceId)) this.commits++;
  }

  takeOver(instanceId: string, seen: number): number | undefined {
    if (this.leader.epoch !== seen) return undefined;
    this.leaders.push({ instanceId, epoch: seen + 1 });
    this.commits++;
    return seen + 1;
  }

  createConversation(origin: string, id: string, title: string): Conversation {
    const now = this.#wallTime();
    const conversation: Conversation = {
      ...{ id, title, source: 'chat', externalId: null, lastSeq: 0, lastReadSeq: 0, unread: 0, revision: 1 },
      ...{ pinnedAt: null, archivedAt: null, tags: [], parentId: null, branchedFrom: null },
      ...{ createdAt: now, updatedAt: now, deletedAt: null, purgedAt: null, origin: null },
    };
    this.conversations.set(id, conversation);
    this.#log(origin, [{ changeType: 'ConversationCreated', conversationId: id, newTitle: title }]);
    return conversation;
  }

  renameConversation(origin: string, id: string, title: string): Conversation {
    const conversation = this.#liveConversation(id);
    if (conversation.title === title) return conversation;
    const renamed = this.#change(conversation, { title });
    this.#log(origin, [{ changeType: 'ConversationTitleUpdated', conversationId: id, newTitle: title }]);
    return renamed;
  }

  /** Moves a conversation to the bin, or takes it out again. */
  binConversation(origin: string, id: string, isDeleted: boolean): Conversation {
    const conversation = this.conversations.get(id);
    if (!conversation) throw new DevChatError('not-found', `no conversation ${id}`);
    if ((conversation.deletedAt !== null) === isDeleted) return conversation;
    const changed = this.#change(conversation, { deletedAt: isDeleted ? this.#wallTime() : null });
    const changeType = isDeleted ? 'ConversationDeleted' : 'ConversationRestored';
    this.#log(origin, [{ changeType, conversationId: id }]);
    return changed;
  }

  /** Appends messages in one transaction. */
  addMessages(origin: string, conversationId: string, added: readonly { id: string; content: string }[]): void {
    this.#liveConversation(conversationId);
    const entries = added.map(({ id, content }) => this.#insert(conversationId, id, content, 'complete'));
    this.#log(origin, entries);
  }

  updateMessage(origin: string, id: string, content: string): Message {
    const message = this.#liveMessage(id);
    this.#liveConversation(message.conversationId);
    return this.#update(origin, message, { content });
  }

  deleteMessage(origin: string, id: string): Message {
    const message = this.#liveMessage(id);
    this.#liveConversation(message.conversationId);
    return this.#write(origin, message, { content: '', deletedAt: this.#wallTime() }, 'MessageDeleted');
  }

  beginStream(origin: string, conversationId: string, id: string): Message {
    this.#liveConversation(conversationId);
    const entry = this.#insert(conversationId, id, '', 'streaming');
    this.streams.set(id, origin);
    this.#log(origin, [entry]);
    return this.#liveMessage(id);
  }

  checkpointStream(origin: string, id: string, content: string): Message {
    const message = this.#update(origin, this.#liveMessage(id), { content, status: 'streaming' });
    if (this.streams.get(id) !== origin) this.commits++;
    this.streams.set(id, origin);
    return message;
  }

  endStream(origin: string, id: string, content: string, status: MessageStatus): Message {
    const message = this.#update(origin, this.#liveMessage(id), { content, status });
    if (this.streams.delete(id)) this.commits++;
    return message;
  }

  interruptStreams(origin: string, owner: string): void {
    const owned = [...this.streams].filter(([, writer]) => writer === owner).map(([id]) => id);
    const entries = owned.sort().flatMap((id) => {
      this.streams.delete(id);
      const message = this.messages.get(id);
      if (message?.status !== 'streaming' || message.deletedAt !== null) return [];
      return [this.#replace(message, { status: 'interrupted' }, 'MessageUpdated')];
    });
    if (owned.length > 0) this.#log(origin, entries);
  }

  /** The writers of messages, each with a number that rises with what is stored of them. */
  get streamOwners(): StreamOwner[] {
    const progress = new Map<string, number>();
    for (const [id, writer] of this.streams) {
      progress.set(writer, (progress.get(writer) ?? 0) + (this.messages.get(id)?.revision ?? 0));
    }
    return [...progress].map(([instanceId, deeds]) => ({ instanceId, progress: deeds }));
  }

  #liveConversation(id: string): Conversation {
    const conversation = this.conversations.get(id);
    if (!conversation) throw new DevChatError('not-found', `no conversation ${id}`);
    if (conversation.deletedAt !== null) throw new DevChatError('deleted', `conversation ${id} was deleted`);
    return conversation;
  }

  #liveMessage(id: string): Message {
    const message = this.messages.get(id);
    if (!message) throw new DevChatError('not-found', `no message ${id}`);
    if (message.deletedAt !== null) throw new DevChatError('deleted', `message ${id} was deleted`);
    return message;
  }

  #change(conversation: Conversation, columns: Partial<Conversation>): Conversation {
    const changed = {
      ...conversation,
      ...columns,
      revision: conversation.revision + 1,
      updatedAt: this.#wallTime(),
    };
    this.conversations.set(changed.id, changed);
    return changed;
  }

  #insert(conversationId: string, id: string, content: string, status: MessageStatus): Entry {
    const conversation = this.#liveConversation(conversationId);
    const seq = conversation.lastSeq + 1;
    // All are the user's own, so all is read.
    this.#change(conversation, { lastSeq: seq, lastReadSeq: seq });
    const now = this.#wallTime();
    this.messages.set(id, {
      ...{ id, conversationId, seq, role: 'user', author: null, content, parts: null, status, model: null },
      ...{ revision: 1, createdAt: now, updatedAt: now, deletedAt: null },
    });
    return { changeType: 'MessageAdded', conversationId, messageId: id, seq };
  }

  #replace(message: Message, columns: Partial<Message>, changeType: ChangeType): Entry {
    const { id, conversationId, seq, revision } = message;
    this.messages.set(id, { ...message, ...columns, revision: revision + 1, updatedAt: this.#wallTime() });
    const conversation = this.conversations.get(conversationId);
    if (conversation) this.#change(conversation, {});
    return { changeType, conversationId, messageId: id, seq };
  }

  /** Changes nothing when the message is so already. */
  #update(origin: string, message: Message, after: Partial<Pick<Message, 'content' | 'status'>>): Message {
    const { content = message.content, status = message.status } = after;
    if (message.content === content && message.status === status) return message;
    return this.#write(origin, message, { content, status }, 'MessageUpdated');
  }

  #write(origin: string, message: Message, columns: Partial<Message>, changeType: ChangeType): Message {
    this.#log(origin, [this.#replace(message, columns, changeType)]);
    return this.messages.get(message.id) ?? message;
  }

  #log(originInstanceId: string, entries: readonly Entry[]): void {
    const txn = this.head + 1;
    const createdAt = this.#wallTime();
    for (const entry of entries) {
      const change = { id: this.head + 1, messageId: null, seq: null, newTitle: null, originInstanceId, ...entry };
      this.#entries.push({ change, txn, createdAt });
    }
    this.commits++;
  }
}

type Entry = Pick<Change, 'conversationId'> & Partial<Change> & { changeType: ChangeType };
