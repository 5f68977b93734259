import { randomUUID } from 'node:crypto';
import type { Database } from '../database.ts';

/** What this database knows of the hub. */
export interface HubLink {
  /** Names this replica to the hub. */
  clientId: string;
  /** Whose history it is a replica of: the hub's workspace, in this copy of the hub's data; null before the first. */
  workspaceId: string | null;
  epoch: string | null;
  /** Everything up to this event is contained. */
  cursor: number;
}

const NEW: Omit<HubLink, 'clientId'> = { workspaceId: null, epoch: null, cursor: 0 };

/** What is known of the hub; undefined before there was any. */
export function readLink(db: Database): HubLink | undefined {
  const row = db
    .sql('SELECT client_id AS clientId, workspace_id AS workspaceId, epoch, cursor FROM hub_link WHERE id = 1')
    .get();
  return row as HubLink | undefined;
}

/** The event up to which everything is contained; 0 before there was a hub. */
export function cursorOf(db: Database): number {
  return readLink(db)?.cursor ?? 0;
}

/** What is known of the hub, inside a write transaction; the replica gets its name if it has none. */
export function openLink(db: Database): HubLink {
  const known = readLink(db);
  if (known) return known;
  const link = { clientId: randomUUID(), ...NEW };
  saveLink(db, link);
  return link;
}

/** What is known of the hub, outside of a transaction; `write` runs the one that gives the replica its first name. */
export async function ensureLink(db: Database, write: (body: () => HubLink) => Promise<HubLink>): Promise<HubLink> {
  return readLink(db) ?? write(() => openLink(db));
}

/** Records what is known of the hub, inside the transaction that makes it true. */
export function saveLink(db: Database, { clientId, workspaceId, epoch, cursor }: HubLink): void {
  db.sql('INSERT OR REPLACE INTO hub_link(id, client_id, workspace_id, epoch, cursor) VALUES (1, ?, ?, ?, ?)').run(
    clientId,
    workspaceId,
    epoch,
    cursor,
  );
}
