import type { SyncState } from '../protocol/rpc.ts';
import type { Database } from './database.ts';

/** Numbers of one conversation, both ends inclusive. */
interface Range {
  from: number;
  to: number;
}

/** What the messages of each conversation say; where they are the authority, the newest number is the conversation's. */
const counted = `SELECT c.id AS conversation_id, min(m.seq) AS local_min_seq, max(m.seq) AS local_max_seq,
    count(m.seq) AS message_count, c.last_seq AS last_known_backend_seq
  FROM conversations c LEFT JOIN messages m ON m.conversation_id = c.id`;

const insertCounted = `INSERT INTO chat_sync_state(conversation_id, local_min_seq, local_max_seq, message_count,
  last_known_backend_seq) ${counted}`;

/** Gives every conversation of a database without any sync state its own. */
export const FILL_SYNC_STATES = `${insertCounted} GROUP BY c.id`;

/**
 * Takes in a message that was just given its number, inside the transaction, or the last of `count` that follow one
 * another. Usually they follow the newest one, so a conversation that was complete stays so. One without a sync state,
 * which an older version left, gets its own.
 */
export function countMessage(db: Database, conversationId: string, seq: number, count = 1): void {
  const { changes } = db
    .sql(
      `UPDATE chat_sync_state SET local_min_seq = min(coalesce(local_min_seq, :first), :first),
         local_max_seq = max(coalesce(local_max_seq, :seq), :seq), message_count = message_count + :count,
         last_known_backend_seq = max(coalesce(last_known_backend_seq, :seq), :seq)
       WHERE conversation_id = :conversationId`,
    )
    .run({ conversationId, first: seq - count + 1, seq, count });
  if (changes === 0) fillSyncState(db, conversationId);
}

/** The numbers of a conversation's messages, tombstones included, as ascending ranges that do not touch. */
export function heldRanges(db: Database, conversationId: string): Range[] {
  return db
    .sql(
      `SELECT min(seq) AS "from", max(seq) AS "to"
       FROM (SELECT seq, seq - row_number() OVER (ORDER BY seq) AS run
             FROM messages WHERE conversation_id = ? AND seq IS NOT NULL)
       GROUP BY run ORDER BY 1`,
    )
    .all(conversationId) as Range[];
}

/**
 * Records what a validation has found, inside a write transaction.
 * @param expected newest number of the conversation's authority
 * @param now Unix time in ms
 */
export function recordValidation(
  db: Database,
  conversationId: string,
  { state, expected, now }: { state: SyncState; expected: number; now: number },
): void {
  const record = db.sql(
    `UPDATE chat_sync_state SET sync_state = ?, last_known_backend_seq = ?, last_validated_at = ?
     WHERE conversation_id = ?`,
  );
  if (record.run(state, expected, now, conversationId).changes > 0) return;
  fillSyncState(db, conversationId);
  record.run(state, expected, now, conversationId);
}

/** The conversations whose sync state does not fit their messages. One that has none is not among them. */
export function unfitSyncStates(db: Database): string[] {
  return db
    .sql(
      `SELECT s.conversation_id FROM chat_sync_state s JOIN (${counted} GROUP BY c.id) m USING (conversation_id)
       WHERE s.message_count <> m.message_count OR s.local_min_seq IS NOT m.local_min_seq
         OR s.local_max_seq IS NOT m.local_max_seq`,
    )
    .pluck()
    .all() as string[];
}

/** Counts the messages of a conversation anew, inside a write transaction; whether any is missing is open again. */
export function resetSyncState(db: Database, conversationId: string): void {
  db.sql('DELETE FROM chat_sync_state WHERE conversation_id = ?').run(conversationId);
  fillSyncState(db, conversationId);
}

function fillSyncState(db: Database, conversationId: string): void {
  db.sql(`${insertCounted} WHERE c.id = ? GROUP BY c.id`).run(conversationId);
}
