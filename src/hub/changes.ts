import type { ChangeEvent } from '../protocol/hub.ts';
import type { Database, Sql } from './database.ts';

/** Size at which a page ends with the push it is in, in UTF-16 code units of its patches. */
const MAX_PAGE_LENGTH = 1_000_000;

/** Events in the order of their numbers. */
export interface ChangesPage {
  events: ChangeEvent[];
  latest_sequence: number;
  has_more: boolean;
}

/** Where a workspace's log stands. */
export interface Head {
  hub_epoch: string;
  latest_sequence: number;
}

/** The epoch and the newest number. */
export function head(database: Database, workspaceId: string): Promise<Head> {
  return database.read(workspaceId, (sql) => headOf(sql, workspaceId));
}

/** The same, inside a transaction. */
export async function headOf(sql: Sql, workspaceId: string): Promise<Head> {
  const { rows } = await sql.query(
    'SELECT hub_epoch(), last_sequence AS latest_sequence FROM workspaces WHERE id = $1',
    [workspaceId],
  );
  return rows[0];
}

/**
 * The events after a number, about `limit` of them: a page ends where a push ends, so what was pushed together is also
 * applied together.
 * @returns undefined when the number is not in the log: what follows it was cleaned up, or it was never given
 */
export function changesSince(
  database: Database,
  workspaceId: string,
  last: number,
  limit: number,
): Promise<ChangesPage | undefined> {
  return database.read(workspaceId, async (sql) => {
    const { rows } = await sql.query(
      `WITH page AS (
         SELECT push_end, size, sum(size) OVER (ORDER BY sequence) AS total FROM change_events
         WHERE workspace_id = $1 AND sequence > $2 ORDER BY sequence LIMIT $3
       )
       SELECT last_sequence, pruned_through,
         (SELECT max(push_end) FROM page WHERE total <= $4 OR total = size) AS upto
       FROM workspaces WHERE id = $1`,
      [workspaceId, last, limit, MAX_PAGE_LENGTH],
    );
    const { last_sequence, pruned_through, upto } = rows[0];
    if (last < pruned_through || last > last_sequence) return undefined;
    const { rows: events } = await sql.query(
      `SELECT sequence, entity_type, entity_id, user_id, event_type, revision_id, json_patch,
         (extract(epoch FROM created_at) * 1000)::bigint AS created_at
       FROM change_events WHERE workspace_id = $1 AND sequence > $2 AND sequence <= $3 ORDER BY sequence`,
      [workspaceId, last, upto ?? last],
    );
    return { events, latest_sequence: last_sequence, has_more: (upto ?? last) < last_sequence };
  });
}

/**
 * Records up to where a replica has stored what it pulled; the place never falls.
 * @returns the recorded place; undefined when the number was never given
 */
export function acknowledge(
  database: Database,
  workspaceId: string,
  clientId: string,
  sequence: number,
): Promise<number | undefined> {
  return database.write(workspaceId, async (sql) => {
    const { rows } = await sql.query(
      `INSERT INTO cursors AS c(workspace_id, client_id, acknowledged)
       SELECT id, $2, $3 FROM workspaces WHERE id = $1 AND last_sequence >= $3
       ON CONFLICT (workspace_id, client_id)
       DO UPDATE SET acknowledged = greatest(c.acknowledged, excluded.acknowledged), seen_at = clock_timestamp()
       RETURNING acknowledged`,
      [workspaceId, clientId, sequence],
    );
    return rows[0]?.acknowledged;
  });
}
