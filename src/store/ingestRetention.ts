import { appendChanges } from './changeLog.ts';
import { setColumns } from './conversations.ts';
import type { Database } from './database.ts';

/** Conversations that one transaction deals with. */
const CONVERSATIONS = 200;

/**
 * Moves conversations of agents to the bin that have not changed since a Unix time in ms, inside a write transaction;
 * pinned ones stay.
 * @returns how many were moved; when none were, none are left
 */
export function expireSessions(db: Database, origin: string, before: number): number {
  const due = db.sql(
    `SELECT id FROM conversations WHERE external_id IS NOT NULL AND updated_at < ? AND deleted_at IS NULL
       AND pinned_at IS NULL LIMIT ${CONVERSATIONS}`,
  );
  const now = Date.now();
  const changes = (due.pluck().all(before) as string[]).map((conversationId) => {
    const { revision } = setColumns(db, conversationId, { deleted_at: now });
    return { changeType: 'ConversationDeleted', conversationId, revision } as const;
  });
  appendChanges(db, changes, origin);
  return changes.length;
}
