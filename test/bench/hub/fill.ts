import type pg from 'pg';

/** The patch of every event: as a new message makes it. */
const PATCH = JSON.stringify([
  { op: 'add', path: '', value: { role: 'user', content: 'x'.repeat(200), status: 'complete', alternatives: [] } },
]);

/** Brings a workspace's log from one number of events to another. */
export async function fillEvents(owner: pg.Client, workspaceId: string, from: number, to: number): Promise<void> {
  // Spares looking, for each row, for the workspace that it refers to.
  await owner.query('SET session_replication_role = replica');
  await owner.query(
    `INSERT INTO change_events(workspace_id, sequence, entity_type, entity_id, user_id, event_type, revision_id,
       json_patch, push_end, size)
     SELECT $1, number, 'message', gen_random_uuid(), 'ann', 'create', gen_random_uuid(), $4, number, $5
     FROM generate_series($2::bigint, $3) AS number`,
    [workspaceId, from + 1, to, PATCH, PATCH.length],
  );
  await owner.query('UPDATE workspaces SET last_sequence = $2 WHERE id = $1', [workspaceId, to]);
  await owner.query('VACUUM ANALYZE change_events');
}

/**
 * Gives a workspace conversations with so many messages each; their events are cleaned up.
 * @returns length of all messages, in bytes of JSON
 */
export async function fillMessages(
  owner: pg.Client,
  workspaceId: string,
  { conversations, messages }: { conversations: number; messages: number },
): Promise<number> {
  await owner.query(
    `INSERT INTO conversations(workspace_id, id, body, revisions, last_message_sequence)
     SELECT $1, id, jsonb_build_object('id', id, 'title', 'Talk', 'source', 'chat', 'externalId', NULL, 'createdAt', 1,
       'deletedAt', NULL, 'alternatives', '[]'::jsonb), ARRAY[gen_random_uuid()], $3
     FROM (SELECT gen_random_uuid() AS id FROM generate_series(1, $2::integer)) AS made`,
    [workspaceId, conversations, messages],
  );
  const { rows } = await owner.query(
    `WITH made AS (
       INSERT INTO messages(workspace_id, id, conversation_id, sequence, body, revisions, size)
       SELECT $1, m.id, m.conversation, m.number, value, ARRAY[gen_random_uuid()], length(value::text)
       FROM (
         SELECT c.id AS conversation, number, gen_random_uuid() AS id
         FROM conversations c, generate_series(1, $2::integer) AS number WHERE c.workspace_id = $1
       ) AS m, jsonb_build_object('id', m.id, 'conversationId', conversation, 'seq', number, 'role', 'user',
         'author', NULL, 'content', 'message ' || number || repeat(' of some length', 40), 'parts', NULL,
         'status', 'complete', 'model', NULL, 'createdAt', number, 'deletedAt', NULL, 'alternatives', '[]'::jsonb) AS value
       RETURNING size
     ) SELECT sum(size)::integer AS length FROM made`,
    [workspaceId, messages],
  );
  const events = conversations * (messages + 1);
  await owner.query('UPDATE workspaces SET last_sequence = $2, pruned_through = $2 WHERE id = $1', [
    workspaceId,
    events,
  ]);
  await owner.query('VACUUM ANALYZE conversations, messages');
  return rows[0].length;
}
