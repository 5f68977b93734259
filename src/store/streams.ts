import type { Message } from '../protocol/model.ts';
import type { Params } from '../protocol/rpc.ts';
import type { Database } from './database.ts';
import { type LeaderRecord, writeAsLeader } from './leader.ts';
import { insertMessage, interruptMessage, writeMessage } from './messages.ts';

/** Begins a message whose text is still to come, and records who writes it. */
export function beginStream(db: Database, origin: string, params: Params<'stream/start'>): Promise<Message> {
  return db.write(() => {
    const { role = 'assistant' } = params;
    const message = insertMessage(db, origin, { ...params, role, content: '', status: 'streaming' });
    own(db, origin, message.id);
    return message;
  });
}

/** Stores how far the text of a stream has got. A writer that was thought dead and goes on owns its stream again. */
export function checkpointStream(db: Database, origin: string, messageId: string, content: string): Promise<Message> {
  return db.write(() => {
    own(db, origin, messageId);
    return writeMessage(db, origin, { messageId, content, status: 'streaming' });
  });
}

/** Stores the final text of a stream, also when it was called interrupted before. */
export function endStream(
  db: Database,
  origin: string,
  { messageId, content, status }: { messageId: string; content: string; status: Message['status'] },
): Promise<Message> {
  return db.write(() => {
    db.sql('DELETE FROM streams WHERE message_id = ?').run(messageId);
    return writeMessage(db, origin, { messageId, content, status });
  });
}

/** The instances that are writing messages, by the record. */
export function streamOwners(db: Database): string[] {
  return db.read(() => db.sql('SELECT DISTINCT instance_id FROM streams').pluck().all()) as string[];
}

/**
 * Ends the streams of an instance that is gone: what was stored of their text stays, marked as interrupted.
 * @throws {DevChatError} `not-leader`
 */
export function interruptStreams(db: Database, leader: LeaderRecord, owner: string): Promise<void> {
  return writeAsLeader(db, leader, () => {
    const ids = db.sql('DELETE FROM streams WHERE instance_id = ? RETURNING message_id').pluck().all(owner);
    for (const messageId of ids as string[]) interruptMessage(db, leader.instanceId, messageId);
  });
}

function own(db: Database, instanceId: string, messageId: string): void {
  db.sql('INSERT OR REPLACE INTO streams(message_id, instance_id) VALUES (?, ?)').run(messageId, instanceId);
}
