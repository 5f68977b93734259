import type { Database } from './database.ts';

/** How a part, or a text that was cut, names the blob that holds what was taken out; see `ingest/prepare`. */
const MARKS = ['"hash":"', 'the whole is kept as '];
const REFERENCE = new RegExp(`(?:${MARKS.join('|')})(?<hash>[0-9a-f]{64})`, 'gu');

/** Records which blobs a message needs, inside the transaction that stores its text and parts. */
export function recordBlobUses(
  db: Database,
  { id, content, parts }: { id: string; content: string; parts: string | null },
): void {
  // Most need none, which is found out sooner without the pattern.
  const naming = [content, parts ?? ''].filter((text) => MARKS.some((mark) => text.includes(mark)));
  for (const { groups } of naming.join('\n').matchAll(REFERENCE)) {
    db.sql('INSERT OR IGNORE INTO blob_uses(message_id, hash) VALUES (?, ?)').run(id, groups?.['hash']);
  }
}

/** Lets a copy of a message need what the message needs, inside a write transaction. */
export function copyBlobUses(db: Database, from: string, to: string): void {
  db.sql('INSERT INTO blob_uses(message_id, hash) SELECT ?, hash FROM blob_uses WHERE message_id = ?').run(to, from);
}

/** Ends a message’s need of its blobs, inside a write transaction; those that no other message needs are deleted. */
export function releaseBlobs(db: Database, messageId: string): void {
  const released = db.sql('DELETE FROM blob_uses WHERE message_id = ? RETURNING hash').pluck().all(messageId);
  const remove = db.sql(
    'DELETE FROM blobs WHERE hash = :hash AND NOT EXISTS (SELECT 1 FROM blob_uses WHERE hash = :hash)',
  );
  for (const hash of released) remove.run({ hash });
}
