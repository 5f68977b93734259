import type { Database } from '../store/database.ts';
import { expireSessions } from '../store/ingestRetention.ts';
import { type LeaderRecord, writeAsLeader } from '../store/leader.ts';

/**
 * Moves conversations of agents to the bin that have not changed since a Unix time in ms, in short transactions.
 * @returns how many were moved
 * @throws {DevChatError} `not-leader` and the errors of any write
 */
export async function expireOld(
  db: Database,
  leader: LeaderRecord,
  { before, onCommitted }: { before: number; onCommitted(): void },
): Promise<number> {
  for (let moved = 0; ; onCommitted()) {
    const count = await writeAsLeader(db, leader, () => expireSessions(db, leader.instanceId, before));
    if (count === 0) return moved;
    moved += count;
  }
}
