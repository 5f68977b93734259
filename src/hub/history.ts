import type { ConversationsPage, MessagesPage, MessagesQuery, RevisionsPage } from '../protocol/hub.ts';
import { MAX_PULL, MAX_REVISIONS } from '../protocol/hub.ts';
import { headOf } from './changes.ts';
import type { Database, Sql } from './database.ts';
import type { Member } from './tokens.ts';

/** Size at which a page of messages ends, in UTF-16 code units of JSON; the first message always comes. */
const MAX_PAGE_LENGTH = 4_000_000;

const present = `'revisionId', revisions[cardinality(revisions)],
  'updatedAt', (extract(epoch FROM updated_at) * 1000)::bigint`;

/** A page of a workspace's conversations, tombstones included, by id. */
export function listConversations(
  database: Database,
  member: Member,
  { after, limit }: { after?: string | undefined; limit: number },
): Promise<ConversationsPage> {
  const { workspaceId } = member;
  return database.read(member, async (sql) => {
    const [{ rows }, head] = await Promise.all([
      sql.query(
        `SELECT body || jsonb_build_object('lastMessageSequence', last_message_sequence, ${present}) AS conversation
         FROM conversations WHERE workspace_id = $1 AND ($2::uuid IS NULL OR id > $2) ORDER BY id LIMIT $3`,
        [workspaceId, after ?? null, limit + 1],
      ),
      headOf(sql, workspaceId),
    ]);
    return {
      conversations: rows.slice(0, limit).map(({ conversation }) => conversation),
      has_more: rows.length > limit,
      ...head,
    };
  });
}

/** The messages with numbers in a range, tombstones included; undefined when there is no such conversation. */
export function messageRange(
  database: Database,
  member: Member,
  query: MessagesQuery,
): Promise<MessagesPage | undefined> {
  const { workspaceId } = member;
  return database.read(member, async (sql) => {
    const columns = 'id, size, sum(size) OVER (ORDER BY sequence) AS total';
    const { last_sequence, rows } = await numbered(sql, workspaceId, query, columns, MAX_PULL + 1);
    if (last_sequence === undefined) return undefined;
    const page = rows.slice(0, MAX_PULL).filter(({ total, size }) => total <= MAX_PAGE_LENGTH || total === size);
    const [{ rows: messages }, { latest_sequence }] = await Promise.all([
      sql.query(
        `SELECT body || jsonb_build_object(${present}) AS message FROM messages
         WHERE workspace_id = $1 AND id = ANY($2) ORDER BY sequence`,
        [workspaceId, page.map(({ id }) => id)],
      ),
      headOf(sql, workspaceId),
    ]);
    return {
      messages: messages.map(({ message }) => message),
      last_sequence,
      has_more: page.length < rows.length,
      latest_sequence,
    };
  });
}

/** Which messages have the numbers in a range, and their revisions; undefined when there is no such conversation. */
export function revisionRange(
  database: Database,
  member: Member,
  query: MessagesQuery,
): Promise<RevisionsPage | undefined> {
  const { workspaceId } = member;
  return database.read(member, async (sql) => {
    const columns = 'sequence AS seq, id, revisions[cardinality(revisions)] AS "revisionId"';
    const [{ last_sequence, rows }, { latest_sequence }] = await Promise.all([
      numbered(sql, workspaceId, query, columns, MAX_REVISIONS + 1),
      headOf(sql, workspaceId),
    ]);
    if (last_sequence === undefined) return undefined;
    return {
      revisions: rows.slice(0, MAX_REVISIONS),
      last_sequence,
      has_more: rows.length > MAX_REVISIONS,
      latest_sequence,
    };
  });
}

/** A conversation's newest number, undefined when there is none, and columns of its messages with numbers in a range. */
async function numbered(
  sql: Sql,
  workspaceId: string,
  { conversation_id, from_seq, to_seq }: MessagesQuery,
  columns: string,
  limit: number,
) {
  const [conversation, { rows }] = await Promise.all([
    sql.query('SELECT last_message_sequence FROM conversations WHERE workspace_id = $1 AND id = $2', [
      workspaceId,
      conversation_id,
    ]),
    sql.query(
      `SELECT ${columns} FROM messages
       WHERE workspace_id = $1 AND conversation_id = $2 AND sequence BETWEEN $3 AND $4 ORDER BY sequence LIMIT $5`,
      [workspaceId, conversation_id, from_seq, to_seq, limit],
    ),
  ]);
  return { last_sequence: conversation.rows[0]?.last_message_sequence as number | undefined, rows };
}
