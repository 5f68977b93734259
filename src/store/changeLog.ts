import type { Change, ChangeType, Conversation } from '../protocol/model.ts';
import type { Database } from './database.ts';
import { HUB_ORIGIN, queueForHub } from './replica/outbox.ts';
import { changeColumns, conversationColumns, toConversation } from './rows.ts';

/** What a mutation says of itself in the change log. */
export interface ChangeEntry {
  changeType: ChangeType;
  conversationId: string;
  messageId?: string;
  seq?: number;
  newTitle?: string;
  revision: number;
}

/** A page of the change log with the present state of what it touches, read in one transaction. */
export interface ChangePage {
  changes: Change[];
  /** The touched conversations as they are now, which may be newer than the changes. */
  conversations: Conversation[];
  /** True when the log was pruned past the cursor: what happened in between cannot be told from the log. */
  pruned: boolean;
  /** Id of the newest change that was ever logged. */
  head: number;
}

/**
 * Appends entries inside a write transaction; those of one transaction share `txn`, so that no page cuts them. What is
 * changed here in a shared conversation is also to be told to the hub.
 */
export function appendChanges(db: Database, entries: readonly ChangeEntry[], origin: string): void {
  const insert = db.sql(`INSERT INTO change_log(txn, change_type, conversation_id, message_id, seq, new_title, revision,
      origin_instance_id, created_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`);
  const txn = changeHead(db) + 1;
  const shared = origin === HUB_ORIGIN ? undefined : sharedAmong(db, entries);
  for (const { changeType, conversationId, messageId, seq, newTitle, revision } of entries) {
    const row = [txn, changeType, conversationId, messageId ?? null, seq ?? null, newTitle ?? null, revision];
    insert.run(...row, origin, Date.now());
    if (shared?.has(conversationId)) queueForHub(db, conversationId, messageId);
  }
}

/** The conversations that changed and are shared; asked for at once, because most are not. */
function sharedAmong(db: Database, entries: readonly ChangeEntry[]): ReadonlySet<unknown> {
  const ids = new Set(entries.map(({ conversationId }) => conversationId));
  return new Set(
    db
      .sql(`SELECT id FROM conversations WHERE authority = 'hub' AND id IN (SELECT value FROM json_each(?))`)
      .pluck()
      .all(JSON.stringify([...ids])),
  );
}

/**
 * Id of the newest change ever logged; 0 in a new database. Not MAX(id): a pruned log may be empty.
 * To be called in the transaction that reads what it describes.
 */
export function changeHead(db: Pick<Database, 'sql'>): number {
  return Number(db.sql(`SELECT seq FROM sqlite_sequence WHERE name = 'change_log'`).pluck().get() ?? 0);
}

/** Reads the changes after a cursor in commit order: at least one whole transaction, about `limit` entries. */
export function changesAfter(db: Database, cursor: number, limit: number): ChangePage {
  return db.read(() => {
    const { head, prunedThrough } = db
      .sql(
        `SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'change_log'), 0) AS head,
           (SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'pruned_through') AS prunedThrough`,
      )
      .get() as { head: number; prunedThrough: number };
    if (cursor < prunedThrough || cursor > head) return { changes: [], conversations: [], pruned: true, head };
    const changes = wholeTransactions(db, cursor, limit);
    const ids = new Set(changes.map(({ conversationId }) => conversationId));
    const find = db.sql(`SELECT ${conversationColumns} FROM conversations WHERE id = ?`);
    const conversations = [...ids].flatMap((id) => find.get(id) ?? []).map(toConversation);
    return { changes, conversations, pruned: false, head };
  });
}

/** The entries after a cursor: `limit` of them, and the rest of the transaction that the last of these belongs to. */
function wholeTransactions(db: Database, cursor: number, limit: number): Change[] {
  const select = `SELECT ${changeColumns}, txn FROM change_log`;
  // A limit that is a parameter makes SQLite plan the query anew each time, which takes longer than the rest.
  const rows = db.sql(`${select} WHERE id > ? ORDER BY id LIMIT ${limit}`).all(cursor) as (Change & { txn: number })[];
  const last = rows.at(-1);
  if (last && rows.length === limit) {
    // A transaction's entries follow one another, and the first of them is what `txn` names.
    const rest = db.sql(
      `${select} WHERE id > :id AND id < coalesce((SELECT id FROM change_log WHERE id > :id AND txn <> :txn ORDER BY id LIMIT 1), 9e15)
       ORDER BY id`,
    );
    rows.push(...(rest.all({ id: last.id, txn: last.txn }) as typeof rows));
  }
  return rows.map(({ txn: _, ...change }) => change);
}

/**
 * Forgets changes that are older than a moment and that every live reader has passed, by whole transactions.
 * To be called inside a write transaction of the leader.
 * @param before Unix time in ms
 * @param through id of the newest change that may go
 * @returns how many entries went
 */
export function pruneChanges(db: Database, before: number, through: number): number {
  const last = db
    .sql(
      `SELECT max(id) FROM change_log WHERE id <= ? AND created_at < ?
         AND txn < (SELECT coalesce(min(txn), 9e15) FROM change_log WHERE id > ? OR created_at >= ?)`,
    )
    .pluck()
    .get(through, before, through, before);
  if (last === null) return 0;
  db.sql(`UPDATE meta SET value = ? WHERE key = 'pruned_through'`).run(String(last));
  return db.sql('DELETE FROM change_log WHERE id <= ?').run(last).changes;
}

/** Declares the changes up to an id as pruned, whether or not they ever were in this log; the next one gets a higher id. */
export function skipChangeIds(db: Pick<Database, 'sql'>, changeId: number): void {
  db.sql(`DELETE FROM sqlite_sequence WHERE name = 'change_log'`).run();
  db.sql(`INSERT INTO sqlite_sequence(name, seq) VALUES ('change_log', ?)`).run(changeId);
  db.sql(`INSERT OR REPLACE INTO meta(key, value) VALUES ('pruned_through', ?)`).run(String(changeId));
}

/**
 * Has everybody load everything again, also those who have read all: for what was changed without an entry. To be called
 * inside a write transaction.
 */
export function forgetChanges(db: Database): void {
  db.sql('DELETE FROM change_log').run();
  skipChangeIds(db, changeHead(db) + 1);
}
