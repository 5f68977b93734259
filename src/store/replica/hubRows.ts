import type { EntityType } from '../../protocol/hub.ts';
import type { ChangeType } from '../../protocol/model.ts';
import { releaseBlobs } from '../blobUses.ts';
import type { ChangeEntry } from '../changeLog.ts';
import type { Database } from '../database.ts';
import { placeOf } from '../rows.ts';
import { countMessage, resetSyncState } from '../syncState.ts';
import { type Document, sayTheSame } from './documents.ts';
import type { HubEntity } from './entities.ts';
import { pendingMessages } from './pending.ts';

interface MessageRow {
  conversationId: string;
  seq: number | null;
}

/** Rows of shared conversations as documents of the hub, and the other way round; all inside one write transaction. */
export class HubRows {
  readonly #db: Database;
  readonly #entries: ChangeEntry[] = [];
  /**
   * Conversations whose numbers were given to messages, and the newest of these: of those that wait for theirs, all stand
   * elsewhere now.
   */
  readonly #numbered = new Map<string, number>();

  /** Messages that have got a name and another revision. */
  readonly #signed: string[] = [];

  constructor(db: Database) {
    this.#db = db;
  }

  /** Whether an entity belongs to what is shared here: a known conversation must be, an unknown one is from now on. */
  accepts(type: EntityType, id: string, conversationId: unknown): boolean {
    const own = type === 'conversation' ? id : conversationId;
    const row = this.#db.sql('SELECT authority, purged_at FROM conversations WHERE id = ?').get(own) as
      | { authority: string; purged_at: number | null }
      | undefined;
    if (!row) return type === 'conversation';
    return row.authority === 'hub' && row.purged_at === null;
  }

  /** The row of an entity as a document; undefined when there is none. */
  read(type: EntityType, id: string): Document | undefined {
    const columns =
      type === 'conversation'
        ? `id, title, source, external_id AS externalId, created_at AS createdAt,
           coalesce(deleted_at, purged_at) AS deletedAt FROM conversations`
        : `id, conversation_id AS conversationId, role, author, content, json(parts) AS parts, status, model,
           created_at AS createdAt, deleted_at AS deletedAt FROM messages`;
    const row = this.#db.sql(`SELECT ${columns} WHERE id = ?`).get(id) as Document | undefined;
    const parts = row?.['parts'];
    return row && { ...row, ...(typeof parts === 'string' ? { parts: JSON.parse(parts) } : {}) };
  }

  /**
   * Puts a name to what a user wrote, if it has none. Readers of a message that waits for its number get the name with
   * that; who edits it meanwhile has no conflict.
   */
  sign(messageId: string, userId: string): void {
    const signed = this.#db
      .sql(
        `UPDATE messages SET author = ?, revision = revision + (seq IS NOT NULL)
         WHERE id = ? AND role = 'user' AND author IS NULL AND deleted_at IS NULL
         RETURNING conversation_id AS conversationId, seq, revision`,
      )
      .get(userId, messageId) as (MessageRow & { revision: number }) | undefined;
    if (!signed || signed.seq === null) return;
    const { conversationId, seq, revision } = signed;
    this.#signed.push(messageId);
    this.#log('MessageUpdated', conversationId, { messageId, seq, revision });
  }

  /** Makes a row what the entity is, if it differs. */
  write(entity: HubEntity): void {
    const before = this.read(entity.type, entity.id);
    if (entity.type === 'conversation' && before) this.#updateConversation(entity, before);
    else if (entity.type === 'conversation') this.#insertConversation(entity);
    else if (!before) this.#insertMessage(entity);
    else {
      this.number(entity);
      if (!sayTheSame('message', before, entity.body)) this.#updateMessage(entity, before);
    }
  }

  /**
   * Gives a message the number that the hub has given it; who had it here without the hub's word waits again. That is no
   * edit, so the revision stays.
   */
  number({ type, id, body }: HubEntity): void {
    if (type !== 'message') return;
    const row = this.#db.sql('SELECT conversation_id AS conversationId, seq FROM messages WHERE id = ?').get(id) as
      | MessageRow
      | undefined;
    const seq = Number(body['seq']);
    if (!row || row.seq === seq) return;
    this.#free(row.conversationId, seq);
    const { revision } = this.#db.sql('UPDATE messages SET seq = ? WHERE id = ? RETURNING revision').get(seq, id) as {
      revision: number;
    };
    if (row.seq === null) countMessage(this.#db, row.conversationId, seq);
    else resetSyncState(this.#db, row.conversationId);
    this.#log('MessageUpdated', row.conversationId, { messageId: id, seq, revision });
  }

  /** Brings the conversations up to date; returns the entries for the change log, of everything that was done. */
  finish(): ChangeEntry[] {
    for (const [conversationId, newest] of this.#numbered) {
      this.#raise(conversationId, newest);
      this.#entries.push(...pendingMessages(this.#db, conversationId));
    }
    // A name is no edit: an agent's records may still add to the message. Once for all, as it goes through the table.
    const follow = `UPDATE ingest_messages SET revision = revision + 1
      WHERE message_id IN (SELECT value FROM json_each(?))`;
    if (this.#signed.length > 0) this.#db.sql(follow).run(JSON.stringify(this.#signed));
    return this.#entries;
  }

  #updateConversation({ id, body }: HubEntity, before: Document): void {
    const { title, deletedAt } = body as { title: string; deletedAt: number | null };
    const isMoved = (before['deletedAt'] === null) !== (deletedAt === null);
    if (before['title'] === title && !isMoved) return;
    const { revision } = this.#db
      .sql(
        `UPDATE conversations SET title = :title, deleted_at = iif(:isMoved, :deletedAt, deleted_at),
           revision = revision + 1, updated_at = :now WHERE id = :id RETURNING revision`,
      )
      .get({ id, title, isMoved: isMoved ? 1 : 0, deletedAt, now: Date.now() }) as { revision: number };
    if (before['title'] !== title) this.#log('ConversationTitleUpdated', id, { revision, newTitle: title });
    if (isMoved) this.#log(deletedAt === null ? 'ConversationRestored' : 'ConversationDeleted', id, { revision });
  }

  #insertConversation({ id, body }: HubEntity): void {
    const { title, source, externalId, createdAt, deletedAt } = body;
    this.#db
      .sql(
        `INSERT INTO conversations(id, title, source, external_id, authority, created_at, updated_at, deleted_at)
         SELECT :id, :title, :source, iif(EXISTS (SELECT 1 FROM conversations
             WHERE source = :source AND external_id = :externalId), NULL, :externalId),
           'hub', :createdAt, :createdAt, :deletedAt`,
      )
      .run({ id, title, source, externalId, createdAt, deletedAt });
    this.#log('ConversationCreated', id, { revision: 1, newTitle: String(title) });
  }

  #insertMessage({ id, body }: HubEntity): void {
    const { conversationId, seq } = body as { conversationId: string; seq: number };
    this.#free(conversationId, seq);
    this.#db
      .sql(
        `INSERT INTO messages(id, conversation_id, seq, role, author, content, parts, status, model, created_at,
           updated_at, deleted_at)
         VALUES (:id, :conversationId, :seq, :role, :author, :content, jsonb(:parts), :status, :model, :createdAt,
           :createdAt, :deletedAt)`,
      )
      .run({ ...columnsOf(body), id, conversationId, seq, createdAt: body['createdAt'], deletedAt: body['deletedAt'] });
    countMessage(this.#db, conversationId, seq);
    this.#log('MessageAdded', conversationId, { messageId: id, seq, revision: 1 });
  }

  #updateMessage({ id, body }: HubEntity, before: Document): void {
    const { conversationId, deletedAt } = body as { conversationId: string; deletedAt: number | null };
    if (deletedAt !== null) releaseBlobs(this.#db, id);
    const row = this.#db
      .sql(
        `UPDATE messages SET role = :role, author = :author, content = :content, parts = jsonb(:parts),
           status = :status, model = :model, deleted_at = iif(:deletedAt IS NULL, NULL, coalesce(deleted_at, :deletedAt)),
           revision = revision + 1, updated_at = :now
         WHERE id = :id RETURNING revision, ${placeOf('messages')} AS seq`,
      )
      .get({ ...columnsOf(body), id, deletedAt, now: Date.now() }) as { revision: number; seq: number };
    this.#touch(conversationId);
    const isDeleted = deletedAt !== null && before['deletedAt'] === null;
    this.#log(isDeleted ? 'MessageDeleted' : 'MessageUpdated', conversationId, { messageId: id, ...row });
  }

  /** Takes a number from a message that has it without the hub's word. */
  #free(conversationId: string, seq: number): void {
    const { changes } = this.#db
      .sql('UPDATE messages SET seq = NULL WHERE conversation_id = ? AND seq = ?')
      .run(conversationId, seq);
    if (changes > 0) resetSyncState(this.#db, conversationId);
    this.#numbered.set(conversationId, Math.max(seq, this.#numbered.get(conversationId) ?? 0));
  }

  #raise(conversationId: string, seq: number): void {
    this.#db
      .sql('UPDATE conversations SET last_seq = max(last_seq, ?), revision = revision + 1, updated_at = ? WHERE id = ?')
      .run(seq, Date.now(), conversationId);
  }

  #touch(conversationId: string): void {
    this.#db
      .sql('UPDATE conversations SET revision = revision + 1, updated_at = ? WHERE id = ?')
      .run(Date.now(), conversationId);
  }

  #log(
    changeType: ChangeType,
    conversationId: string,
    entry: Omit<ChangeEntry, 'changeType' | 'conversationId'>,
  ): void {
    this.#entries.push({ changeType, conversationId, ...entry });
  }
}

function columnsOf(body: Document): Document {
  const { role, author, content, parts, status, model } = body;
  const json = parts === null || parts === undefined ? null : JSON.stringify(parts);
  return { role, author: author ?? null, content, parts: json, status, model: model ?? null };
}
