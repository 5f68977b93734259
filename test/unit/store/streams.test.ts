import assert from 'node:assert/strict';
import { deleteConversation } from '../../../src/store/conversations.ts';
import type { Database } from '../../../src/store/database.ts';
import { takeOverLeadership } from '../../../src/store/leader.ts';
import { deleteMessage } from '../../../src/store/messages.ts';
import {
  abandonStreams,
  beginStream,
  checkpointStream,
  endStream,
  interruptStreams,
  streamOwners,
} from '../../../src/store/streams.ts';
import { createTestConversation, hasReason, origin, useDatabases } from '../../support/database.ts';

const other = '00000000-0000-7000-8000-000000000002';

describe('stored streams', () => {
  const databases = useDatabases();

  /** A database with messages that another instance is writing. */
  async function begun(count: number) {
    const db = await databases.open();
    const { id: conversationId } = await createTestConversation(db);
    const ids: string[] = [];
    for (let index = 0; index < count; index++) ids.push((await beginStream(db, other, { conversationId })).id);
    return { db, conversationId, ids };
  }

  const rows = (db: Database) => db.sql('SELECT content, status, revision FROM messages ORDER BY seq').raw().all();

  const newestTransactions = (db: Database, count: number) =>
    db.sql('SELECT DISTINCT txn FROM (SELECT txn FROM change_log ORDER BY id DESC LIMIT ?)').pluck().all(count);

  it('are interrupted in one transaction of the log, however many there are', async () => {
    const { db } = await begun(3);
    await takeOverLeadership(db, origin, 0);
    await interruptStreams(db, { instanceId: origin, epoch: 1 }, other);
    assert.deepEqual(rows(db), Array(3).fill(['', 'interrupted', 2]));
    assert.equal(newestTransactions(db, 3).length, 1);
    assert.deepEqual(streamOwners(db), []);
    assert.equal(db.sql('SELECT revision FROM conversations').pluck().get(), 7);
  });

  it('go on and end though their conversation is in the bin, which it stays in', async () => {
    const { db, conversationId, ids } = await begun(1);
    await deleteConversation(db, origin, conversationId);
    const deletedAt = db.sql('SELECT deleted_at FROM conversations').pluck().get();
    const [messageId = ''] = ids;
    await checkpointStream(db, other, messageId, 'half');
    assert.deepEqual([rows(db), streamOwners(db)], [[['half', 'streaming', 2]], [{ instanceId: other, progress: 2 }]]);
    const parts = [{ type: 'text' }];
    const ended = await endStream(db, other, { messageId, content: 'whole', status: 'complete', parts });
    assert.deepEqual([ended.content, ended.status, ended.parts], ['whole', 'complete', parts]);
    assert.deepEqual([rows(db), streamOwners(db)], [[['whole', 'complete', 3]], []]);
    assert.equal(db.sql('SELECT deleted_at FROM conversations').pluck().get(), deletedAt);
  });

  it('are not found when there is no such message, and over when it was deleted', async () => {
    const { db, ids } = await begun(1);
    await assert.rejects(checkpointStream(db, other, origin, 'x'), hasReason('not-found'));
    const end = { content: 'x', status: 'complete' as const };
    await assert.rejects(endStream(db, other, { messageId: origin, ...end }), hasReason('not-found'));
    const [messageId = ''] = ids;
    await deleteMessage(db, origin, messageId);
    await assert.rejects(checkpointStream(db, other, messageId, 'x'), hasReason('deleted'));
    await assert.rejects(endStream(db, other, { messageId, ...end }), hasReason('deleted'));
  });

  it('that an instance abandons leave those of others, and messages that have ended, as they are', async () => {
    const { db, conversationId, ids } = await begun(2);
    await beginStream(db, origin, { conversationId });
    await endStream(db, other, { messageId: ids[1] ?? '', content: 'done', status: 'complete' });
    await abandonStreams(db, other);
    assert.deepEqual(rows(db), [
      ['', 'interrupted', 2],
      ['done', 'complete', 2],
      ['', 'streaming', 1],
    ]);
    assert.deepEqual(streamOwners(db), [{ instanceId: origin, progress: 1 }]);
  });
});
