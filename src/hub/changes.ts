import type { ChangeEvent } from '../protocol/hub.ts';
import type { Database, Transaction } from './database.ts';
import type { Member } from './tokens.ts';

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
export function head(database: Database, member: Member): Promise<Head> {
  return database.read(member, (sql) => headOf(sql, member.workspaceId));
}

/** The same, as a transaction's last statement. */
export async function headOf(sql: Transaction, workspaceId: string): Promise<Head> {
  const { rows } = await sql.last(
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
  member: Member,
  last: number,
  limit: number,
): Promise<ChangesPage | undefined> {
  const { workspaceId } = member;
  return database.read(member, async (sql) => {
    const { rows } = await sql.last(
      `WITH page AS (
         SELECT *, sum(size) OVER (ORDER BY sequence) AS total FROM change_events
         WHERE workspace_id = $1 AND sequence > $2 ORDER BY sequence LIMIT $3
       ), upto AS (SELECT max(push_end) AS sequence FROM page WHERE total <= $4 OR total = size)
       SELECT w.last_sequence, w.pruned_through, e.sequence, e.entity_type, e.entity_id, e.user_id, e.event_type,
         e.revision_id, e.json_patch, (extract(epoch FROM e.created_at) * 1000)::bigint AS created_at
       FROM workspaces w CROSS JOIN upto
       LEFT JOIN change_events e ON e.workspace_id = w.id AND e.sequence > $2 AND e.sequence <= upto.sequence
       WHERE w.id = $1 ORDER BY e.sequence`,
      [workspaceId, last, limit, MAX_PAGE_LENGTH],
    );
    const [{ last_sequence, pruned_through }] = rows;
    if (last < pruned_through || last > last_sequence) return undefined;
    const events = rows
      .filter(({ sequence }) => sequence !== null)
      .map(({ last_sequence: _, pruned_through: __, ...event }) => event);
    const end = events.at(-1)?.sequence ?? last;
    return { events, latest_sequence: last_sequence, has_more: end < last_sequence };
  });
}

/**
 * Records up to where a replica has stored what it pulled; the place never falls.
 * @returns the recorded place; undefined when the number was never given
 */
export function acknowledge(
  database: Database,
  member: Member,
  clientId: string,
  sequence: number,
): Promise<number | undefined> {
  return database.write(member, async (sql) => {
    const { rows } = await sql.last(
      `INSERT INTO cursors AS c(workspace_id, client_id, acknowledged)
       SELECT id, $2, $3 FROM workspaces WHERE id = $1 AND last_sequence >= $3
       ON CONFLICT (workspace_id, client_id)
       DO UPDATE SET acknowledged = greatest(c.acknowledged, excluded.acknowledged), seen_at = clock_timestamp()
       RETURNING acknowledged`,
      [member.workspaceId, clientId, sequence],
    );
    return rows[0]?.acknowledged;
  });
}
