import type { Database } from './database.ts';
import type { Member } from './tokens.ts';

/** How long events are kept, in ms. */
export interface Retention {
  /** Events younger than this stay. */
  events: number;
  /** Older ones stay too while a replica has not acknowledged them that was seen in this time. */
  replicas: number;
}

/** Events that one transaction removes, so that writers do not wait long. */
const BATCH = 5000;

/**
 * Removes a workspace's old events. A replica that is further behind is told to validate everything anew.
 * @returns how many were removed
 */
export async function removeOldEvents(
  database: Database,
  member: Member,
  { events, replicas }: Retention,
): Promise<number> {
  let removed = 0;
  for (;;) {
    const batch = await removeBatch(database, member, { events, replicas });
    removed += batch;
    if (batch < BATCH) return removed;
  }
}

function removeBatch(database: Database, member: Member, { events, replicas }: Retention): Promise<number> {
  const { workspaceId } = member;
  return database.write(member, async (sql) => {
    await sql.query(
      `DELETE FROM cursors WHERE workspace_id = $1 AND seen_at < clock_timestamp() - $2 * interval '1 ms'`,
      [workspaceId, replicas],
    );
    const { rows } = await sql.query(
      `SELECT pruned_through, least(
         (SELECT min(acknowledged) FROM cursors WHERE workspace_id = $1),
         (SELECT min(sequence) - 1 FROM change_events
          WHERE workspace_id = $1 AND created_at >= clock_timestamp() - $2 * interval '1 ms'),
         last_sequence, pruned_through + $3
       ) AS through FROM workspaces WHERE id = $1`,
      [workspaceId, events, BATCH],
    );
    const { pruned_through, through } = rows[0];
    if (through <= pruned_through) return 0;
    await sql.query('DELETE FROM change_events WHERE workspace_id = $1 AND sequence <= $2', [workspaceId, through]);
    // Last, as it is what writers wait for. Another hub may have come further meanwhile.
    await sql.query('UPDATE workspaces SET pruned_through = greatest(pruned_through, $2) WHERE id = $1', [
      workspaceId,
      through,
    ]);
    return through - pruned_through;
  });
}
