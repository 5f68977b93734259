import type { HubChange, HubConversation, HubMessage, PushResult } from '../protocol/hub.ts';
import { isRecord } from '../protocol/json.ts';
import type { Database, Sql, Transaction } from './database.ts';
import { claimKey, decide, type Entity, keyOf, type NewEvent, type Result } from './decide.ts';
import type { Identity } from './tokens.ts';

/** Who pushes, and where. */
export type Author = Pick<Identity, 'workspaceId' | 'userId' | 'proof'>;

/** What a push has come to, and the number of its last event; undefined when it has none. */
export interface Pushed {
  results: PushResult[];
  latest: number | undefined;
  events: number;
}

/**
 * Makes changes in a workspace: all that can be made in one transaction, or none when it fails. Repeating a push is
 * harmless, also in another order.
 *
 * Rows are locked in a fixed order (conversations, messages, then the workspace's counter, each by id), so that pushes
 * wait for one another but never in a circle. The counter comes last and is held until the commit: numbers are given in
 * the order of commits and without gaps, and who has seen one has seen all before it.
 *
 * It takes two round trips: locks and what is asked after them, then everything that is written, with the commit.
 */
export function push(database: Database, author: Author, changes: readonly HubChange[]): Promise<Pushed> {
  return database.write(author, async (sql) => {
    const [entities, made, taken] = await Promise.all([
      lockEntities(sql, author.workspaceId, changes),
      madeBefore(sql, author.workspaceId, changes),
      takenNumbers(sql, author.workspaceId, changes),
    ]);
    const { results, events } = decide({ entities, made, taken, userId: author.userId, now: Date.now() }, changes);
    if (events.length === 0)
      return { results: results.map((result) => numbered(result, 0)), latest: undefined, events: 0 };
    const [, first] = await Promise.all([
      storeEntities(sql, author.workspaceId, [...entities.values()]),
      appendEvents(sql, author, events),
    ]);
    const latest = first + events.length - 1;
    return { results: results.map((result) => numbered(result, first)), latest, events: events.length };
  });
}

function numbered(result: Result, first: number): PushResult {
  if (!('event' in result)) return result;
  const { event, ...rest } = result;
  return { ...rest, sequence: first + event } as PushResult;
}

async function lockEntities(
  sql: Sql,
  workspaceId: string,
  changes: readonly HubChange[],
): Promise<Map<string, Entity>> {
  const conversationIds = new Set(changes.flatMap(conversationOf));
  const messageIds = changes.filter(({ entity_type }) => entity_type === 'message').map(({ entity_id }) => entity_id);
  const [conversations, messages] = await Promise.all([
    sql.query(
      `SELECT id, body, revisions, last_message_sequence FROM conversations
       WHERE workspace_id = $1 AND id = ANY($2) ORDER BY id FOR NO KEY UPDATE`,
      [workspaceId, [...conversationIds]],
    ),
    sql.query(
      `SELECT id, body, revisions, 0 AS last_message_sequence FROM messages
       WHERE workspace_id = $1 AND id = ANY($2) ORDER BY id FOR NO KEY UPDATE`,
      [workspaceId, messageIds],
    ),
  ]);
  return new Map([
    ...conversations.rows.map((row) => [keyOf('conversation', row.id), toEntity('conversation', row)] as const),
    ...messages.rows.map((row) => [keyOf('message', row.id), toEntity('message', row)] as const),
  ]);
}

/** The conversation that a change is about, or whose next number it takes. */
function conversationOf(change: HubChange): string[] {
  if (change.entity_type === 'conversation') return [change.entity_id];
  const { conversationId } = createdMessage(change);
  return typeof conversationId === 'string' ? [conversationId] : [];
}

function createdMessage(change: HubChange): Partial<HubMessage> {
  const [operation] = change.entity_type === 'message' && change.event_type === 'create' ? change.json_patch : [];
  const value = operation?.op === 'add' ? operation.value : undefined;
  return isRecord(value) ? value : {};
}

/** Which of the numbers that new messages claim are taken; asked after their conversations were locked. */
async function takenNumbers(sql: Sql, workspaceId: string, changes: readonly HubChange[]): Promise<Set<string>> {
  const claims = changes.map(createdMessage).filter(({ seq }) => Number.isSafeInteger(seq));
  if (claims.length === 0) return new Set();
  const { rows } = await sql.query(
    `SELECT conversation_id, sequence FROM messages
     WHERE workspace_id = $1 AND (conversation_id, sequence) IN (SELECT * FROM unnest($2::uuid[], $3::bigint[]))`,
    [workspaceId, claims.map(({ conversationId }) => conversationId), claims.map(({ seq }) => seq)],
  );
  return new Set(rows.map(({ conversation_id, sequence }) => claimKey(conversation_id, sequence)));
}

interface Row {
  body: HubConversation | HubMessage;
  revisions: string[];
  last_message_sequence: number;
}

function toEntity(type: Entity['type'], { body, revisions, last_message_sequence: lastMessageSequence }: Row): Entity {
  return { type, body, revisions, lastMessageSequence, state: 'stored' };
}

/** The numbers of the events of those changes that were made before; asked after the locks, so that none is missed. */
async function madeBefore(sql: Sql, workspaceId: string, changes: readonly HubChange[]): Promise<Map<string, number>> {
  const { rows } = await sql.query(
    'SELECT revision_id, sequence FROM change_events WHERE workspace_id = $1 AND revision_id = ANY($2)',
    [workspaceId, changes.map(({ revision_id }) => revision_id)],
  );
  return new Map(rows.map(({ revision_id, sequence }) => [revision_id, sequence]));
}

const columns =
  'id uuid, conversation_id uuid, sequence bigint, body jsonb, revisions uuid[], size integer, last_message_sequence bigint';

const statements = {
  conversation: {
    new: `INSERT INTO conversations(workspace_id, id, body, revisions, last_message_sequence)
      SELECT $1, id, body, revisions, last_message_sequence FROM jsonb_to_recordset($2) AS r(${columns})`,
    changed: `UPDATE conversations c SET body = r.body, revisions = r.revisions, updated_at = clock_timestamp(),
        last_message_sequence = r.last_message_sequence
      FROM jsonb_to_recordset($2) AS r(${columns}) WHERE c.workspace_id = $1 AND c.id = r.id`,
  },
  message: {
    new: `INSERT INTO messages(workspace_id, id, conversation_id, sequence, body, revisions, size)
      SELECT $1, id, conversation_id, sequence, body, revisions, size FROM jsonb_to_recordset($2) AS r(${columns})`,
    changed: `UPDATE messages m SET body = r.body, revisions = r.revisions, size = r.size, updated_at = clock_timestamp()
      FROM jsonb_to_recordset($2) AS r(${columns}) WHERE m.workspace_id = $1 AND m.id = r.id`,
  },
};

/** Writes what was decided, messages after their conversations. */
async function storeEntities(sql: Sql, workspaceId: string, entities: readonly Entity[]): Promise<void> {
  const written = (['conversation', 'message'] as const).flatMap((type) =>
    (['new', 'changed'] as const).map((state) => {
      const rows = entities.filter((entity) => entity.type === type && entity.state === state).map(toRow);
      return rows.length > 0 && sql.query(statements[type][state], [workspaceId, JSON.stringify(rows)]);
    }),
  );
  await Promise.all(written);
}

function toRow({ body, revisions, lastMessageSequence }: Entity): Record<string, unknown> {
  return {
    id: body.id,
    conversation_id: body['conversationId'],
    sequence: body['seq'],
    body,
    revisions,
    size: JSON.stringify(body).length,
    last_message_sequence: lastMessageSequence,
  };
}

/**
 * Takes the next numbers for events, stores these, and commits; returns the first number. Without the counter, which a
 * token that was revoked meanwhile does not show, the events have no numbers, and nothing is committed.
 */
async function appendEvents(
  sql: Transaction,
  { workspaceId, userId }: Author,
  events: readonly NewEvent[],
): Promise<number> {
  const rows = events.map((event, place) => ({ ...event, place, size: JSON.stringify(event.json_patch).length }));
  const { rows: appended } = await sql.last(
    `WITH counter AS (
       UPDATE workspaces SET last_sequence = last_sequence + $3 WHERE id = $1 RETURNING last_sequence
     )
     INSERT INTO change_events(workspace_id, sequence, entity_type, entity_id, user_id, event_type, revision_id,
       json_patch, push_end, size)
     SELECT $1, last_sequence - $3 + 1 + place, entity_type, entity_id, $4, event_type, revision_id, json_patch,
       last_sequence, size
     FROM jsonb_to_recordset($2) AS r(place integer, entity_type text, entity_id uuid, event_type text,
       revision_id uuid, json_patch jsonb, size integer) LEFT JOIN counter ON true
     RETURNING push_end`,
    [workspaceId, JSON.stringify(rows), events.length, userId],
  );
  return appended[0].push_end - events.length + 1;
}
