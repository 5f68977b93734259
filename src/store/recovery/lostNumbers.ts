import type Sqlite from 'better-sqlite3';
import { v7 as uuid } from 'uuid';
import type { Source } from './damagedFile.ts';
import { type Row, readableRows } from './damagedTable.ts';
import type { Pause } from './pause.ts';

/** How far a number of which nothing else tells may be beyond all others: farther on, it is damage. */
const MAX_ALONE = 1000;

const LOST_TEXT = 'This message was lost when the chat database was damaged.';

/** Newest number of each conversation, as it is stated in different places. */
export interface StatedNumbers {
  all: Map<string, number[]>;
  /** What the conversations themselves say, unless it cannot be. */
  counters: Map<string, number>;
}

/**
 * What counters, sync states and change logs say.
 * @param newestChange id of the newest change that the mark beside the database tells of
 */
export async function statedNumbers(
  sources: readonly Source[],
  newestChange: number,
  pause: Pause,
): Promise<StatedNumbers> {
  const stated: StatedNumbers = { all: new Map(), counters: new Map() };
  // Each number was given with a change, so a counter beyond the newest change is damage; the mark may be a little behind.
  const given = Math.max(newestChange, ...sources.map(loggedChanges));
  const limit = given > 0 ? given + MAX_ALONE : Number.POSITIVE_INFINITY;
  for (const source of sources) {
    const counters = await largest(readableRows(source, 'conversations', 'id, last_seq AS seq'), pause);
    const logged = await largest(readableRows(source, 'change_log', 'conversation_id AS id, seq'), pause);
    for (const newest of [counters, await syncStates(source, pause), logged]) {
      for (const [id, seq] of newest) stated.all.set(id, [...(stated.all.get(id) ?? []), seq]);
    }
    for (const [id, seq] of counters) {
      if (seq <= limit) stated.counters.set(id, Math.max(seq, stated.counters.get(id) ?? 0));
    }
  }
  return stated;
}

/** How many changes were ever logged. */
function loggedChanges({ sqlite }: Source): number {
  try {
    return Number(sqlite.prepare(`SELECT seq FROM sqlite_sequence WHERE name = 'change_log'`).pluck().get() ?? 0);
  } catch {
    return 0;
  }
}

async function syncStates({ sqlite }: Source, pause: Pause): Promise<Map<string, number>> {
  try {
    const rows = sqlite.prepare('SELECT conversation_id AS id, local_max_seq AS seq FROM chat_sync_state').all();
    return await largest(rows as Row[], pause);
  } catch {
    // Damaged: the others have to do.
    return new Map();
  }
}

async function largest(rows: Iterable<Row>, pause: Pause): Promise<Map<string, number>> {
  const newest = new Map<string, number>();
  for (const { id, seq } of rows) {
    await pause();
    if (typeof id === 'string' && Number.isSafeInteger(seq)) newest.set(id, Math.max(newest.get(id) ?? 0, Number(seq)));
  }
  return newest;
}

/**
 * Gives every number without a message one that says so, and every conversation its newest number. A message whose
 * number is damaged gets a free one.
 *
 * A counter that is far beyond all else may be a flipped bit, or all that is left of many messages. It is kept, because
 * a number that was acknowledged must never be given to another message; but one message stands for the whole stretch.
 * @returns how many messages are lost, and of how many numbers only a counter tells
 */
export function fillGaps(target: Sqlite.Database, stated: StatedNumbers): { lost: number; unconfirmed: number } {
  // What is missing of a shared conversation, the hub has.
  const conversations = target
    .prepare(`SELECT id FROM conversations WHERE authority <> 'hub'`)
    .pluck()
    .all() as string[];
  const held = target.prepare('SELECT seq FROM messages WHERE conversation_id = ? AND seq IS NOT NULL ORDER BY seq');
  const move = target.prepare('UPDATE messages SET seq = ? WHERE conversation_id = ? AND seq = ?');
  const insert = target.prepare(
    `INSERT INTO messages(id, conversation_id, seq, role, content, status, created_at, updated_at)
     VALUES (?, ?, ?, 'system', ?, 'error', ?, ?)`,
  );
  let lost = 0;
  let unconfirmed = 0;
  for (const id of conversations) {
    const seqs = held.pluck().all(id) as number[];
    let end = newestNumber([...(stated.all.get(id) ?? []), ...seqs.slice(-2)]);
    const free = missingUpTo(end, new Set(seqs));
    for (const seq of seqs.filter((one) => one > end)) move.run(free.shift() ?? ++end, id, seq);
    const now = Date.now();
    for (const seq of free) insert.run(uuid(), id, seq, LOST_TEXT, now, now);
    lost += free.length;
    const counter = stated.counters.get(id) ?? 0;
    if (counter > end) {
      insert.run(uuid(), id, end + 1, lostStretch(end + 1, counter), now, now);
      unconfirmed += counter - end;
      end = counter;
    }
    target.prepare('UPDATE conversations SET last_seq = ? WHERE id = ?').run(end, id);
  }
  return { lost, unconfirmed };
}

function lostStretch(from: number, to: number): string {
  return (
    `If there were messages ${from} to ${to}, they were lost when the chat database was damaged: of them, only the ` +
    'number of the newest one is left, and that may be damaged too.'
  );
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
