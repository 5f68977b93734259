import { titleFrom } from '../protocol/title.ts';
import { appendChanges, type ChangeEntry } from '../store/changeLog.ts';
import type { Database } from '../store/database.ts';
import {
  addMembership,
  adoptMessages,
  findIngestedMessages,
  findSession,
  findUsage,
  type IngestedMessage,
  type IngestedSession,
  insertIngestedConversation,
  insertIngestedMessages,
  raiseRevision,
  saveSession,
  saveUsage,
  touchConversation,
  type UsageRow,
  updateIngestedMessage,
  updatePieces,
} from '../store/ingestMessages.ts';
import { pendingMessages } from '../store/replica/pending.ts';
import { titleRank } from './adapter.ts';
import { rowId } from './identity.ts';
import type { PreparedFact, PreparedMessage, PreparedTitle, PreparedUsage, StoredPart } from './prepare.ts';

/** A message with what this transaction has to do for it. */
interface Draft extends IngestedMessage {
  list: StoredPart[];
  task: 'none' | 'insert' | 'update' | 'pieces';
}

/** A session with what this transaction has changed. */
interface Session extends IngestedSession {
  externalId: string;
  titleBefore: string;
  isNew: boolean;
  isChanged: boolean;
  createdAt: number;
  updatedAt: number;
  /** Of the conversation's row, once it was written; 0 before. */
  revision: number;
}

interface UsageDraft extends UsageRow {
  isChanged: boolean;
}

/** Whose facts are written, and where they come from. */
export interface SessionWriterOptions {
  /** The instance that writes. */
  origin: string;
  source: string;
  /** Whether the transcript had been read to its end before, so that what it says now is news. */
  isLive: boolean;
}

/**
 * Merges facts into the history inside one write transaction. All is collected first, so that a message of many
 * records is written once; merging record by record over many transactions gives the same.
 */
export class SessionWriter {
  /** Records whose text was another one than that of the same record before. */
  conflicts = 0;
  readonly #db: Database;
  readonly #origin: string;
  readonly #source: string;
  readonly #isLive: boolean;
  readonly #sessions = new Map<string, Session>();
  readonly #messages = new Map<string, Draft>();
  readonly #usage = new Map<string, UsageDraft>();
  readonly #shared: { session: Session; message: Draft; afterSeq: number }[] = [];

  /** @param facts all that will be taken: what is stored of it is looked up at once */
  constructor(db: Database, facts: readonly PreparedFact[], { origin, source, isLive }: SessionWriterOptions) {
    this.#db = db;
    this.#origin = origin;
    this.#source = source;
    this.#isLive = isLive;
    this.#lookUp(facts);
  }

  /** Takes what one record says. @returns whether it said anything new */
  take(facts: readonly PreparedFact[]): boolean {
    let isNew = false;
    for (const fact of facts) {
      if (this.#take(fact)) isNew = true;
    }
    return isNew;
  }

  /** Writes what was collected, with its entries in the change log. */
  flush(): void {
    const changes: ChangeEntry[] = [];
    for (const message of this.#messages.values()) this.#touchOwner(message);
    for (const session of this.#sessions.values()) this.#writeSession(session, changes);
    const added = [...this.#messages.values()].filter(({ task }) => task === 'insert');
    if (added.length > 0) insertIngestedMessages(this.#db, added);
    for (const message of this.#messages.values()) this.#writeMessage(message, changes);
    // Those that wait for numbers of the hub stand behind what was added.
    for (const id of new Set(added.map(({ conversationId }) => conversationId))) {
      changes.push(...pendingMessages(this.#db, id));
    }
    for (const { session, message, afterSeq } of this.#shared) {
      const id = session.conversationId;
      if (!id || !addMembership(this.#db, id, message.id, afterSeq)) continue;
      // Where it begins may be another place now.
      if (session.revision === 0) session.revision = raiseRevision(this.#db, id, 0);
    }
    for (const { isChanged, ...usage } of this.#usage.values()) if (isChanged) saveUsage(this.#db, usage);
    appendChanges(this.#db, [...changes, ...this.#untold(changes)], this.#origin);
  }

  #take(fact: PreparedFact): boolean {
    switch (fact.kind) {
      case 'message':
        return this.#takeMessage(fact);
      case 'title':
        return this.#takeTitle(fact);
      case 'usage':
        return this.#takeUsage(fact);
    }
  }

  #takeMessage(fact: PreparedMessage): boolean {
    const known = this.#messages.get(fact.key);
    if (!known && fact.ifPresent) return false;
    const session = this.#session(fact.session);
    if (session.isPurged) return false;
    const conversationId = this.#conversationOf(session, fact.time);
    this.#locate(session, fact);
    if (!known) {
      this.#add(fact, session, conversationId);
      return true;
    }
    if (known.conversationId !== conversationId) {
      this.#shared.push({ session, message: known, afterSeq: session.lastSeq });
      if (known.role === 'user') this.#suggestTitle(session, titleRank.sharedPrompt, known.content);
    }
    return this.#merge(known, fact);
  }

  #add(fact: PreparedMessage, session: Session, conversationId: string): void {
    const time = fact.time || Date.now();
    session.lastSeq++;
    this.#touch(session, time);
    const draft: Draft = {
      key: fact.key,
      id: fact.id,
      conversationId,
      seq: session.lastSeq,
      role: fact.role,
      author: fact.author,
      model: fact.model,
      status: fact.status,
      content: '',
      parts: null,
      pieces: fact.piece ?? '',
      revision: 1,
      createdAt: time,
      updatedAt: time,
      isFinal: false,
      list: [],
      task: 'insert',
    };
    setParts(draft, fact.parts);
    this.#messages.set(fact.key, draft);
    if (fact.role === 'user') this.#suggestTitle(session, titleRank.firstPrompt, draft.content);
  }

  /** Remembers where the session was begun, which is where its agent finds it again, and its newest branch and model. */
  #locate(session: Session, fact: PreparedMessage): void {
    const place = {
      cwd: session.cwd ?? fact.cwd,
      branch: fact.branch ?? session.branch,
      model: fact.model ?? session.model,
    };
    for (const field of ['cwd', 'branch', 'model'] as const) session.isChanged ||= place[field] !== session[field];
    Object.assign(session, place);
  }

  /** @returns whether the record was not known, and changes the message */
  #merge(known: Draft, fact: PreparedMessage): boolean {
    const { piece } = fact;
    if (piece === undefined || known.pieces.split(' ').includes(piece)) {
      if (!fact.replaces && !known.isFinal && !contains(known, fact.parts)) this.conflicts++;
      return false;
    }
    known.pieces = fact.replaces ? piece : `${known.pieces} ${piece}`.trim();
    const parts = fact.replaces
      ? fact.parts
      : [...known.list, ...fact.parts.filter((part) => !contains(known, [part]))];
    const model = fact.replaces ? (fact.model ?? known.model) : (known.model ?? fact.model);
    const status = fact.status === 'complete' && !fact.replaces ? known.status : fact.status;
    const isSame = sameParts(parts, known.list) && model === known.model && status === known.status;
    if (known.isFinal || isSame) {
      if (known.task === 'none') known.task = 'pieces';
      return false;
    }
    setParts(known, parts);
    Object.assign(known, { model, status, updatedAt: Math.max(known.updatedAt, fact.time) });
    if (known.task !== 'insert') known.task = 'update';
    return true;
  }

  #takeTitle({ session: externalId, rank, title }: PreparedTitle): boolean {
    const session = this.#session(externalId);
    if (session.isPurged || title === '' || rank < session.titleRank || title === session.title) return false;
    Object.assign(session, { title, titleRank: rank, isChanged: true });
    return true;
  }

  /** Names a session by its first prompt as long as it has no better title. */
  #suggestTitle(session: Session, rank: number, prompt: string): void {
    if (session.titleRank >= rank) return;
    this.#takeTitle({ kind: 'title', session: session.externalId, rank, title: titleFrom(prompt) });
  }

  #takeUsage({ key, model, usage, message, time, session: externalId }: PreparedUsage): boolean {
    const known = this.#usage.get(key);
    if (known) {
      const fields = ['input', 'output', 'cacheRead', 'cacheWrite', 'reasoning'] as const;
      const raised = fields.filter((field) => usage[field] > known[field]);
      for (const field of raised) known[field] = usage[field];
      known.isChanged ||= raised.length > 0;
      return raised.length > 0;
    }
    const session = this.#session(externalId);
    if (session.isPurged) return false;
    const conversationId = this.#conversationOf(session, time);
    const messageId = (message === undefined ? undefined : this.#messages.get(message)?.id) ?? null;
    this.#usage.set(key, { key, model, ...usage, createdAt: time, conversationId, messageId, isChanged: true });
    return true;
  }

  #lookUp(facts: readonly PreparedFact[]): void {
    const messages = new Map<string, string>();
    const keys = new Set<string>();
    const usage: string[] = [];
    for (const fact of facts) {
      if (fact.kind === 'message') messages.set(fact.id, fact.key);
      if (fact.kind === 'message') keys.add(fact.key);
      if (fact.kind !== 'usage') continue;
      usage.push(fact.key);
      if (fact.message !== undefined) keys.add(fact.message);
    }
    this.#draft([...keys]);
    for (const [id, key] of messages) if (this.#messages.has(key)) messages.delete(id);
    const adopted = adoptMessages(this.#db, messages);
    if (adopted.length > 0) this.#draft(adopted);
    for (const row of findUsage(this.#db, usage)) this.#usage.set(row.key, { ...row, isChanged: false });
  }

  #draft(keys: readonly string[]): void {
    for (const stored of findIngestedMessages(this.#db, keys)) {
      this.#messages.set(stored.key, { ...stored, list: partsOf(stored), task: 'none' });
    }
  }

  #session(externalId: string): Session {
    const drafted = this.#sessions.get(externalId);
    if (drafted) return drafted;
    const stored = findSession(this.#db, this.#source, externalId);
    const empty: IngestedSession = {
      ...{ conversationId: null, title: '', titleRank: 0, lastSeq: 0 },
      ...{ cwd: null, branch: null, model: null, isPurged: false },
    };
    const session = { ...(stored ?? empty), externalId, isNew: false, isChanged: false };
    const drafting: Session = { ...session, titleBefore: session.title, createdAt: 0, updatedAt: 0, revision: 0 };
    this.#sessions.set(externalId, drafting);
    return drafting;
  }

  #conversationOf(session: Session, time: number): string {
    if (session.conversationId === null) {
      session.createdAt = time || Date.now();
      session.conversationId = rowId(session.createdAt, this.#source, `conversation:${session.externalId}`);
      session.isNew = true;
      this.#touch(session, session.createdAt);
    }
    return session.conversationId;
  }

  #touch(session: Session, time: number): void {
    session.isChanged = true;
    session.updatedAt = Math.max(session.updatedAt, time);
  }

  #writeMessage(message: Draft, changes: ChangeEntry[]): void {
    const { task, conversationId, id: messageId, seq } = message;
    if (task === 'none') return;
    if (task === 'pieces') {
      updatePieces(this.#db, message);
      return;
    }
    if (task === 'update') {
      message.revision++;
      updateIngestedMessage(this.#db, message);
    }
    const changeType = task === 'insert' ? 'MessageAdded' : 'MessageUpdated';
    changes.push({ changeType, conversationId, messageId, seq, revision: message.revision });
  }

  /** A record of a fork may change a message of the conversation that it was forked from. */
  #touchOwner({ conversationId, updatedAt, task }: Draft): void {
    if (task !== 'insert' && task !== 'update') return;
    const owner = [...this.#sessions.values()].find((session) => session.conversationId === conversationId);
    if (owner) this.#touch(owner, updatedAt);
    else raiseRevision(this.#db, conversationId, updatedAt);
  }

  #writeSession(session: Session, changes: ChangeEntry[]): void {
    const { conversationId, isNew, externalId, title, titleBefore, lastSeq, createdAt, updatedAt } = session;
    if (!session.isChanged) return;
    if (conversationId === null) {
      saveSession(this.#db, this.#source, externalId, session);
      return;
    }
    const row = { id: conversationId, title, source: this.#source, externalId, createdAt };
    if (isNew) {
      insertIngestedConversation(this.#db, row);
      changes.push({ changeType: 'ConversationCreated', conversationId, newTitle: title, revision: 1 });
    }
    saveSession(this.#db, this.#source, externalId, session);
    const titles = { title, titleBefore: isNew ? title : titleBefore };
    const touched = { id: conversationId, lastSeq, updatedAt, ...titles, isLive: this.#isLive };
    const { revision, isRetitled } = touchConversation(this.#db, touched);
    session.revision = revision;
    if (!isRetitled) return;
    changes.push({ changeType: 'ConversationTitleUpdated', conversationId, newTitle: title, revision });
  }

  /** Entries for the conversations of which others say nothing, such as of one that goes on on another branch. */
  #untold(changes: readonly ChangeEntry[]): ChangeEntry[] {
    const told = new Set(changes.map(({ conversationId }) => conversationId));
    return [...this.#sessions.values()].flatMap(({ conversationId, revision }) =>
      conversationId === null || revision === 0 || told.has(conversationId)
        ? []
        : { changeType: 'ConversationUpdated' as const, conversationId, revision },
    );
  }
}

/** Parts of a stored message. A message without any is all text; what a user has put in their place is no list of them. */
function partsOf({ content, parts }: IngestedMessage): StoredPart[] {
  if (parts === null)
    return content === '' ? [] : [{ json: JSON.stringify({ type: 'text', text: content }), text: content }];
  const list: unknown = JSON.parse(parts);
  return Array.isArray(list) ? list.map((part) => ({ json: JSON.stringify(part), text: '' })) : [];
}

/** Sets the parts of a message, and its content to what of them is shown. */
function setParts(draft: Draft, parts: StoredPart[]): void {
  const known = new Set(draft.list.map(({ json }) => json));
  const isLonger = draft.list.every(({ json }, index) => parts[index]?.json === json);
  const added = isLonger ? parts.filter(({ json }) => !known.has(json)) : parts;
  const texts = [isLonger ? draft.content : '', ...added.map(({ text }) => text)];
  draft.content = texts.filter((text) => text !== '').join('\n\n');
  draft.list = parts;
  const [only, ...others] = parts;
  const isText =
    only !== undefined && others.length === 0 && draft.content !== '' && only.json.startsWith('{"type":"text"');
  draft.parts = isText || !only ? null : `[${parts.map(({ json }) => json).join(',')}]`;
}

function contains(draft: Draft, parts: StoredPart[]): boolean {
  return parts.every(({ json }) => draft.list.some((known) => known.json === json));
}

function sameParts(a: StoredPart[], b: StoredPart[]): boolean {
  return a.length === b.length && a.every(({ json }, index) => json === b[index]?.json);
}
