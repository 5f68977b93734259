import type { ChangeEntry } from '../changeLog.ts';
import type { Database } from '../database.ts';
import { placeOf } from '../rows.ts';

/** The messages of a conversation that wait for their numbers, as entries that tell where they stand now. */
export function pendingMessages(db: Database, conversationId: string): (ChangeEntry & { messageId: string })[] {
  const pending = db.sql(
    `SELECT 'MessageUpdated' AS changeType, conversation_id AS conversationId, id AS messageId,
       ${placeOf('messages')} AS seq, revision FROM messages
     WHERE conversation_id = ? AND messages.seq IS NULL ORDER BY row_id`,
  );
  return pending.all(conversationId) as (ChangeEntry & { messageId: string })[];
}
