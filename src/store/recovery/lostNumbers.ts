import type Sqlite from 'better-sqlite3';
import { v7 as uuid } from 'uuid';
import type { Source } from './damagedFile.ts';
import { readableRows } from './damagedTable.ts';

/** How far a number of which nothing else tells may be beyond all others: farther on, it is damage. */
const MAX_ALONE = 1000;

const LOST_TEXT = 'This message was lost when the chat database was damaged.';

/** Newest number of each conversation, as it is stated in different places. */
export type StatedNumbers = Map<string, number[]>;

/** What counters, sync states and change logs say. */
export function statedNumbers(sources: readonly Source[]): StatedNumbers {
  const stated: StatedNumbers = new Map();
  for (const source of sources) {
    for (const newest of [counters(source), syncStates(source), loggedNumbers(source)]) {
      for (const [id, seq] of newest) stated.set(id, [...(stated.get(id) ?? []), seq]);
    }
  }
  return stated;
}

function counters(source: Source): Map<string, number> {
  return largest(readableRows(source, 'conversations', 'id, last_seq AS seq'));
}

function loggedNumbers(source: Source): Map<string, number> {
  return largest(readableRows(source, 'change_log', 'conversation_id AS id, seq'));
}

function syncStates({ sqlite }: Source): Map<string, number> {
  try {
    const rows = sqlite.prepare('SELECT conversation_id AS id, local_max_seq AS seq FROM chat_sync_state').all();
    return largest(rows as Record<string, unknown>[]);
  } catch {
    // Damaged: the others have to do.
    return new Map();
  }
}

function largest(rows: Iterable<Record<string, unknown>>): Map<string, number> {
  const newest = new Map<string, number>();
  for (const { id, seq } of rows) {
    if (typeof id === 'string' && Number.isSafeInteger(seq)) newest.set(id, Math.max(newest.get(id) ?? 0, Number(seq)));
  }
  return newest;
}

/**
 * Gives every number without a message one that says so, and every conversation its newest number. A message whose
 * number is damaged gets a free one.
 * @returns how many messages are lost
 */
export function fillGaps(target: Sqlite.Database, stated: StatedNumbers): number {
  const conversations = target.prepare('SELECT id FROM conversations').pluck().all() as string[];
  const held = target.prepare('SELECT seq FROM messages WHERE conversation_id = ? AND seq IS NOT NULL ORDER BY seq');
  const move = target.prepare('UPDATE messages SET seq = ? WHERE conversation_id = ? AND seq = ?');
  const insert = target.prepare(
    `INSERT INTO messages(id, conversation_id, seq, role, content, status, created_at, updated_at)
     VALUES (?, ?, ?, 'system', '${LOST_TEXT}', 'error', ?, ?)`,
  );
  let lost = 0;
  for (const id of conversations) {
    const seqs = held.pluck().all(id) as number[];
    let end = newestNumber([...(stated.get(id) ?? []), ...seqs.slice(-2)]);
    const free = missingUpTo(end, new Set(seqs));
    for (const seq of seqs.filter((one) => one > end)) move.run(free.shift() ?? ++end, id, seq);
    const now = Date.now();
    for (const seq of free) insert.run(uuid(), id, seq, now, now);
    lost += free.length;
    target.prepare('UPDATE conversations SET last_seq = ? WHERE id = ?').run(end, id);
  }
  return lost;
}

/** The largest number of several that another one confirms, or that is not far beyond the largest such. */
function newestNumber(stated: readonly number[]): number {
  const descending = stated.toSorted((a, b) => b - a);
  const confirmed = descending[1] ?? 0;
  return descending.find((seq) => seq - confirmed <= MAX_ALONE) ?? 0;
}

function missingUpTo(end: number, present: ReadonlySet<number>): number[] {
  return Array.from({ length: end }, (_, index) => index + 1).filter((seq) => !present.has(seq));
}
