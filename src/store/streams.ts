import type { Message } from '../protocol/model.ts';
import type { Params } from '../protocol/rpc.ts';
import { appendChanges } from './changeLog.ts';
import type { Database } from './database.ts';
import { type LeaderRecord, writeAsLeader } from './leader.ts';
import { findMessage, insertMessage, type MessageUpdate, writeMessage } from './messages.ts';
import { placeOf } from './rows.ts';

/** An instance that is writing messages, by the record. */
export interface StreamOwner {
  instanceId: string;
  /** Rises with everything that is stored of what it writes. */
  progress: number;
}

/** Begins a message whose text is still to come, and records who writes it. */
export function beginStream(db: Database, origin: string, params: Params<'stream/start'>): Promise<Message> {
  return db.write(() => {
    const { role = 'assistant' } = params;
    const message = insertMessage(db, origin, { ...params, role, content: '', status: 'streaming' });
    own(db, origin, message.id);
    return message;
  });
}

/**
 * Stores how far the text of a stream has got. A writer that was thought dead and goes on owns its stream again.
 * @throws {DevChatError} `not-found`, `deleted` (the message itself), `too-large`
 */
export function checkpointStream(db: Database, origin: string, messageId: string, content: string): Promise<Message> {
  return db.write(() => {
    const message = writeStream(db, origin, { messageId, content, status: 'streaming' });
    own(db, origin, messageId);
    return message;
  });
}

/**
 * Stores the final text of a stream, also when it was called interrupted before. Parts that are given replace those it
 * has.
 * @throws {DevChatError} `not-found`, `deleted` (the message itself), `too-large`
 */
export function endStream(
  db: Database,
  origin: string,
  end: { messageId: string; content: string; status: Message['status']; parts?: unknown },
): Promise<Message> {
  return db.write(() => {
    db.sql('DELETE FROM streams WHERE message_id = ?').run(end.messageId);
    return writeStream(db, origin, end);
  });
}

/** A message that has ended in this way, for who asks again because the answer was lost; undefined for any other. */
export function endedStream(db: Database, messageId: string, status: Message['status']): Message | undefined {
  const message = findMessage(db, messageId);
  return message?.status === status && message.deletedAt === null ? message : undefined;
}

/** The instances that are writing messages, by the record. */
export function streamOwners(db: Database): StreamOwner[] {
  return db.read(() =>
    db
      .sql(
        // CROSS: from the few streams to their messages; SQLite might go through all messages.
        `SELECT s.instance_id AS instanceId, sum(m.revision) AS progress
         FROM streams s CROSS JOIN messages m ON m.id = s.message_id GROUP BY s.instance_id`,
      )
      .all(),
  ) as StreamOwner[];
}

/**
 * As the leader, ends the streams of an instance that is gone; see {@link abandonStreams}.
 * @throws {DevChatError} `not-leader`
 */
export function interruptStreams(db: Database, leader: LeaderRecord, owner: string): Promise<void> {
  return writeAsLeader(db, leader, () => interruptAll(db, leader.instanceId, owner));
}

/** Ends what an instance was writing: what was stored of the texts stays, marked as interrupted. */
export function abandonStreams(db: Database, owner: string): Promise<void> {
  return db.write(() => interruptAll(db, owner, owner));
}

/**
 * Marks messages that nobody writes any more as interrupted, inside a write transaction and as one of the log, also
 * in conversations that are in the bin. A message that is not `streaming` stays as it is.
 */
export function interruptMessages(db: Database, origin: string, messageIds: readonly string[]): void {
  const now = Date.now();
  const interrupt = db.sql(
    `UPDATE messages SET status = 'interrupted', revision = revision + 1, updated_at = ?
     WHERE id = ? AND status = 'streaming' AND deleted_at IS NULL
     RETURNING conversation_id AS conversationId, ${placeOf('messages')} AS seq, revision`,
  );
  const touch = db.sql('UPDATE conversations SET revision = revision + 1, updated_at = ? WHERE id = ?');
  const changes = messageIds.flatMap((messageId) => {
    const row = interrupt.get(now, messageId) as { conversationId: string; seq: number; revision: number } | undefined;
    if (!row) return [];
    touch.run(now, row.conversationId);
    return [{ changeType: 'MessageUpdated' as const, messageId, ...row }];
  });
  appendChanges(db, changes, origin);
}

function interruptAll(db: Database, origin: string, owner: string): void {
  const ids = db.sql('DELETE FROM streams WHERE instance_id = ? RETURNING message_id').pluck().all(owner);
  interruptMessages(db, origin, ids as string[]);
}

/**
 * Writes the message of a stream, inside a write transaction. A conversation that was moved to the bin meanwhile stays
 * there, but may be restored: it is taken out for this write alone, which nobody else can see.
 */
function writeStream(db: Database, origin: string, update: MessageUpdate): Message {
  const binned = db
    .sql(
      `SELECT id, deleted_at AS deletedAt FROM conversations
       WHERE id = (SELECT conversation_id FROM messages WHERE id = ?) AND deleted_at IS NOT NULL`,
    )
    .get(update.messageId) as { id: string; deletedAt: number } | undefined;
  const setDeletedAt = db.sql('UPDATE conversations SET deleted_at = :deletedAt WHERE id = :id');
  if (binned) setDeletedAt.run({ ...binned, deletedAt: null });
  const message = writeMessage(db, origin, update);
  if (binned) setDeletedAt.run(binned);
  return message;
}

function own(db: Database, instanceId: string, messageId: string): void {
  db.sql('INSERT OR REPLACE INTO streams(message_id, instance_id) VALUES (?, ?)').run(messageId, instanceId);
}
