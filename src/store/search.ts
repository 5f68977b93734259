import { tagKey } from '../protocol/model.ts';
import type { Params, SearchHit, SearchResult } from '../protocol/rpc.ts';
import { MARK_END, MARK_START } from '../protocol/snippet.ts';
import { getConversation } from './conversations.ts';
import type { Database } from './database.ts';
import { placeOf } from './rows.ts';

const USUAL_LIMIT = 50;

/** Messages of a conversation up to which it is quicker to look at their row ids than at all rows that match. */
const SMALL_CONVERSATION = 20_000;

const hitColumns = `m.conversation_id AS conversationId, c.title, m.id AS messageId, ${placeOf('m')} AS seq,
  m.role, m.created_at AS createdAt, snippet(message_index, 0, '${MARK_START}', '${MARK_END}', '…', 16) AS snippet`;

const matches = `message_index JOIN messages m ON m.row_id = message_index.rowid
    JOIN conversations c ON c.id = m.conversation_id
  WHERE message_index MATCH :match AND c.deleted_at IS NULL AND m.deleted_at IS NULL`;

/**
 * The messages that contain every word of the query, the last one as a beginning: the best match first, or within one
 * conversation all in their order. Words are quoted, so no character of the query has a meaning of its own to the index.
 * @throws {DevChatError} `not-found`, `deleted`: the conversation that is to be searched
 */
export function searchMessages(db: Database, params: Params<'search'>): SearchResult {
  const { query, conversationId } = params;
  const words = query.toWellFormed().match(/[\p{L}\p{N}\p{M}_]+/gu) ?? [];
  const match = words.length === 0 ? undefined : `${words.map((word) => `"${word}"`).join(' ')}*`;
  return db.read(() =>
    conversationId === undefined ? searchAll(db, match, params) : searchOne(db, match, { ...params, conversationId }),
  );
}

function searchAll(db: Database, match: string | undefined, params: Params<'search'>): SearchResult {
  const { source, tag, includeArchived = false, limit = USUAL_LIMIT } = params;
  const ids = tag === undefined ? undefined : tagged(db, tag);
  if (match === undefined || ids?.length === 0) return { hits: [] };
  const filters = [
    includeArchived ? '' : 'AND c.archived_at IS NULL',
    source === undefined ? '' : 'AND c.source = :source',
    ids === undefined ? '' : 'AND c.id IN (SELECT value FROM json_each(:tagged))',
  ];
  const hits = db
    .sql(`SELECT ${hitColumns} FROM ${matches} ${filters.join(' ')} ORDER BY message_index.rank LIMIT :limit`)
    .all({ match, source, limit, tagged: JSON.stringify(ids ?? []) });
  return { hits: hits as SearchHit[] };
}

/** Ids of the conversations with a tag. SQLite itself knows no case beyond ASCII. */
function tagged(db: Database, tag: string): string[] {
  const key = tagKey(tag.trim());
  const rows = db.sql(`SELECT id, tags FROM conversations WHERE tags <> '[]' AND json_valid(tags)`).all();
  return (rows as { id: string; tags: string }[])
    .filter(({ tags }) => (JSON.parse(tags) as string[]).some((one) => tagKey(one) === key))
    .map(({ id }) => id);
}

function searchOne(
  db: Database,
  match: string | undefined,
  { conversationId, limit = USUAL_LIMIT }: Params<'search'> & { conversationId: string },
): SearchResult {
  const { lastSeq } = getConversation(db, conversationId);
  if (match === undefined) return { hits: [], total: 0 };
  const own =
    lastSeq <= SMALL_CONVERSATION
      ? 'AND +message_index.rowid IN (SELECT row_id FROM messages WHERE conversation_id = :conversationId)'
      : '';
  const rows = db
    .sql(
      `SELECT m.row_id FROM ${matches} AND m.conversation_id = :conversationId ${own} ORDER BY m.seq IS NULL, m.seq, m.row_id`,
    )
    .pluck()
    .all({ match, conversationId });
  // Snippets are made only of what is answered.
  const hits = db
    .sql(`SELECT ${hitColumns} FROM ${matches} AND +message_index.rowid IN (SELECT value FROM json_each(:rows))
      ORDER BY m.seq IS NULL, m.seq, m.row_id`)
    .all({ match, rows: JSON.stringify(rows.slice(0, limit)) });
  return { hits: hits as SearchHit[], total: rows.length };
}
