import type { EntityType } from '../../protocol/hub.ts';
import type { Database } from '../database.ts';
import type { Document } from './documents.ts';

/** In whose name the change log holds what came from the hub: it is not told to the hub again. */
export const HUB_ORIGIN = 'hub';

/** A revision, and what the entity was in it. */
export interface Version {
  revisionId: string;
  body: Document;
}

/** One conversation or message that the hub has not as it is here. */
export interface OutboxEntry {
  type: EntityType;
  id: string;
  /** What it was made from: what the hub had before it was edited here. Null when the hub had nothing. */
  base: Version | null;
  /** What was sent, and may have reached the hub: until that is known, exactly this is sent again. */
  sent: Version | null;
}

/** Notes, in the transaction of a change, that the hub is to be told of it; only in shared conversations. */
export function queueForHub(db: Database, conversationId: string, messageId: string | undefined): void {
  db.sql(
    `INSERT INTO hub_outbox(type, id, base_revision, base_body)
     SELECT :type, :id, e.revision_id, e.body
     FROM conversations c LEFT JOIN hub_entities e ON e.id = :id
     WHERE c.id = :conversationId AND c.authority = 'hub'
     ON CONFLICT(id) DO UPDATE SET problem = NULL`,
  ).run({
    type: messageId === undefined ? 'conversation' : 'message',
    id: messageId ?? conversationId,
    conversationId,
  });
}

interface Row {
  type: EntityType;
  id: string;
  base_revision: string | null;
  base_body: string | null;
  sent_revision: string | null;
  sent_body: string | null;
}

const columns = 'type, id, base_revision, base_body, sent_revision, sent_body';

/** Whether entry `o` is about a conversation that is shared. */
const IS_SHARED = `EXISTS (SELECT 1 FROM conversations c WHERE c.authority = 'hub' AND c.id = iif(o.type = 'conversation',
  o.id, (SELECT m.conversation_id FROM messages m WHERE m.id = o.id)))`;

/** What is to be told next: conversations before messages, each in the order of their changes. */
export function nextEntries(db: Database, limit: number): OutboxEntry[] {
  const rows = db.sql(
    `SELECT ${columns} FROM hub_outbox o WHERE problem IS NULL AND ${IS_SHARED} ORDER BY type, position LIMIT ${limit}`,
  );
  return (rows.all() as Row[]).map(toEntry);
}

/** Whether anything may be to be told. */
export function hasEntries(db: Database): boolean {
  return db.sql('SELECT 1 FROM hub_outbox WHERE problem IS NULL LIMIT 1').get() !== undefined;
}

/** What is to be told of one entity; undefined when the hub has it as it is here. */
export function findEntry(db: Database, id: string): OutboxEntry | undefined {
  const row = db.sql(`SELECT ${columns} FROM hub_outbox WHERE id = ?`).get(id) as Row | undefined;
  return row && toEntry(row);
}

/** Records what an entry was made from and what was sent of it, inside a write transaction. */
export function saveEntry(db: Database, { id, base, sent }: OutboxEntry): void {
  db.sql('UPDATE hub_outbox SET base_revision = ?, base_body = ?, sent_revision = ?, sent_body = ? WHERE id = ?').run(
    base?.revisionId ?? null,
    toJson(base?.body),
    sent?.revisionId ?? null,
    toJson(sent?.body),
    id,
  );
}

/** Ends an entry, because the hub has the entity as it is here. */
export function removeEntry(db: Database, id: string): void {
  db.sql('DELETE FROM hub_outbox WHERE id = ?').run(id);
}

/** Ends the entries of conversations that are not shared: somebody has begun to share them, and did not come to the end. */
export function removeUnshared(db: Database): void {
  db.sql(`DELETE FROM hub_outbox AS o WHERE NOT ${IS_SHARED}`).run();
}

/** Keeps an entry back that the hub will not take, until the entity is changed again. */
export function keepBack(db: Database, id: string, problem: string): void {
  db.sql('UPDATE hub_outbox SET problem = ?, sent_revision = NULL, sent_body = NULL WHERE id = ?').run(problem, id);
}

/** How much waits to be told to the hub, and why what it will not take is refused. */
export function outboxState(db: Database): { waiting: number; problem: string | null } {
  return db
    .sql(
      `SELECT (SELECT count(*) FROM hub_outbox) AS waiting,
         (SELECT problem FROM hub_outbox WHERE problem IS NOT NULL LIMIT 1) AS problem`,
    )
    .get() as { waiting: number; problem: string | null };
}

function toEntry({ type, id, base_revision, base_body, sent_revision, sent_body }: Row): OutboxEntry {
  return { type, id, base: toVersion(base_revision, base_body), sent: toVersion(sent_revision, sent_body) };
}

function toVersion(revisionId: string | null, body: string | null): Version | null {
  return revisionId === null || body === null ? null : { revisionId, body: JSON.parse(body) };
}

function toJson(body: Document | undefined): string | null {
  return body === undefined ? null : JSON.stringify(body);
}
