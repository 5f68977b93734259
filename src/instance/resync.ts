import type { ResyncResult } from '../protocol/rpc.ts';
import { getConversation } from '../store/conversations.ts';
import type { Database } from '../store/database.ts';
import { heldRanges, recordValidation } from '../store/syncState.ts';
import { transitions } from '../sync/chat/transitions.ts';
import { validate } from '../sync/sequence.ts';

/**
 * Validates a conversation whose authority is this database, and records what was found unless nothing can be written.
 * Its own row says which numbers were given; of what is missing, nobody has more, so nothing is fetched.
 * @throws {DevChatError} `not-found`
 */
export async function resyncLocal(db: Database, conversationId: string): Promise<ResyncResult> {
  const judge = () => {
    const { lastSeq: expected } = getConversation(db, conversationId);
    const reason = validate(heldRanges(db, conversationId), expected);
    const [state] = transitions.UNKNOWN[reason];
    return { state, reason, expected };
  };
  const record = () => {
    const found = judge();
    recordValidation(db, conversationId, { ...found, now: Date.now() });
    return found;
  };
  const { state, reason } = db.writeProblem === null ? await db.write(record) : db.read(judge);
  return { state, reason, fetchedRanges: [], fetched: 0 };
}
