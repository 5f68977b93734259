import type { EntityType } from '../../protocol/hub.ts';
import type { Database } from '../database.ts';
import type { Document } from './documents.ts';

/** A conversation or a message as the hub had it last, as far as this replica knows. */
export interface HubEntity {
  type: EntityType;
  id: string;
  /** The revision that an edit is made to. */
  revisionId: string;
  /** The hub's events up to this one are contained. */
  sequence: number;
  body: Document;
}

/** What the hub has under an id; undefined when it has nothing, as far as is known. */
export function findEntity(db: Database, type: EntityType, id: string): HubEntity | undefined {
  const row = db.sql('SELECT revision_id AS revisionId, sequence, body FROM hub_entities WHERE id = ?').get(id) as
    | { revisionId: string; sequence: number; body: string }
    | undefined;
  return row && { type, id, ...row, body: JSON.parse(row.body) };
}

/** Records what the hub has, inside a write transaction. */
export function saveEntity(db: Database, { id, revisionId, sequence, body }: HubEntity): void {
  db.sql('INSERT OR REPLACE INTO hub_entities(id, revision_id, sequence, body) VALUES (?, ?, ?, ?)').run(
    id,
    revisionId,
    sequence,
    JSON.stringify(body),
  );
}

/** Forgets what the hub has under an id, inside a write transaction. */
export function forgetEntity(db: Database, id: string): void {
  db.sql('DELETE FROM hub_entities WHERE id = ?').run(id);
}
