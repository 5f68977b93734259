import { randomUUID } from 'node:crypto';
import * as v from 'valibot';
import type { Database } from './database.ts';

const Epoch = v.pipe(v.string(), v.uuid());

/** Names the database that one was made from, by its epoch. */
export const ORIGIN_KEY = 'rescued_from';

/**
 * Gives a database another identity, inside a write transaction, so that every copy of it is checked anew.
 * @param origin identity of the database that it goes on from, if that is known
 */
export function changeEpoch(db: Pick<Database, 'sql'>, origin: string | undefined): void {
  const set = db.sql('INSERT OR REPLACE INTO meta(key, value) VALUES (?, ?)');
  set.run('db_epoch', randomUUID());
  if (origin !== undefined) set.run(ORIGIN_KEY, origin);
}

/** Whether a value names a database. */
export function isEpoch(value: unknown): boolean {
  return v.is(Epoch, value);
}
