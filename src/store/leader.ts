import { DevChatError } from '../protocol/errors.ts';
import type { Database, WriteOptions } from './database.ts';

/** Which instance leads, and the how-manieth leadership this is. */
export interface LeaderRecord {
  instanceId: string;
  epoch: number;
}

/** Who leads by the record; an epoch of 0 means that nobody ever did. Whether it lives is not for the record to say. */
export function readLeader(db: Database): LeaderRecord {
  const row = db.sql('SELECT instance_id AS instanceId, epoch FROM leader').get();
  return (row as LeaderRecord | undefined) ?? { instanceId: '', epoch: 0 };
}

/**
 * Makes an instance the leader, unless somebody else has become it since epoch `seen`.
 * @returns the epoch of the new leadership; undefined when somebody else was quicker
 */
export function takeOverLeadership(db: Database, instanceId: string, seen: number): Promise<number | undefined> {
  return db.write(() => {
    if (readLeader(db).epoch !== seen) return undefined;
    db.sql('INSERT OR REPLACE INTO leader(id, instance_id, epoch) VALUES (1, ?, ?)').run(instanceId, seen + 1);
    return seen + 1;
  });
}

/**
 * Runs a write of the leader in one transaction that first checks its epoch: a leader that was frozen, and replaced
 * meanwhile, changes nothing.
 * @throws {DevChatError} `not-leader`
 */
export function writeAsLeader<T>(
  db: Database,
  leadership: LeaderRecord,
  body: () => T,
  options?: WriteOptions,
): Promise<T> {
  return db.write(() => {
    assertLeads(db, leadership);
    return body();
  }, options);
}

/**
 * Checks that a leadership is not over.
 * @throws {DevChatError} `not-leader`
 */
export function assertLeads(db: Database, { instanceId, epoch }: LeaderRecord): void {
  const leader = readLeader(db);
  if (leader.epoch !== epoch || leader.instanceId !== instanceId) {
    throw new DevChatError('not-leader', `Leadership ${epoch} is over: ${leader.instanceId} leads now.`);
  }
}
