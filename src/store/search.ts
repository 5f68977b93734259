import type { SearchHit } from '../protocol/rpc.ts';
import { MARK_END, MARK_START } from '../protocol/snippet.ts';
import type { Database } from './database.ts';

/**
 * The messages that contain every word of the query, the last one as a beginning; best match first.
 * Words are quoted, so no character of the query has a meaning of its own to the index.
 */
export function searchMessages(db: Database, query: string, limit: number): SearchHit[] {
  const words = query.toWellFormed().match(/[\p{L}\p{N}\p{M}_]+/gu) ?? [];
  if (words.length === 0) return [];
  const match = `${words.map((word) => `"${word}"`).join(' ')}*`;
  return db.read(
    () =>
      db
        .sql(
          `SELECT m.conversation_id AS conversationId, c.title, m.id AS messageId, m.seq, m.role,
             m.created_at AS createdAt, snippet(message_index, 0, '${MARK_START}', '${MARK_END}', '…', 16) AS snippet
           FROM message_index JOIN messages m ON m.row_id = message_index.rowid
             JOIN conversations c ON c.id = m.conversation_id
           WHERE message_index MATCH ? AND c.deleted_at IS NULL AND m.deleted_at IS NULL
           ORDER BY message_index.rank LIMIT ?`,
        )
        .all(match, limit) as SearchHit[],
  );
}
