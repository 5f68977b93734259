import { hash } from 'node:crypto';
import { v7 } from 'uuid';

/** What names a thing of an agent in the database: 22 characters of a hash are 132 bits. */
export function identity(source: string, name: string, length = 22): string {
  return hash('sha256', `${source}\0${name}`, 'base64url').slice(0, length);
}

/**
 * The id of a row for a thing that an agent has named: the same again in every database, and in order of time.
 * @param time Unix ms; 0 when the agent does not tell
 */
export function rowId(time: number, source: string, name: string): string {
  return v7({ msecs: time, random: hash('sha256', `${source}\0${name}`, 'buffer').subarray(0, 16) });
}
