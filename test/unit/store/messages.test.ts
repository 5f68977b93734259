import assert from 'node:assert/strict';
import { mock } from 'node:test';
import { v7 as uuid } from 'uuid';
import { MAX_CONTENT_LENGTH } from '../../../src/protocol/model.ts';
import { MAX_RANGE } from '../../../src/protocol/rpc.ts';
import { changesAfter } from '../../../src/store/changeLog.ts';
import { addMessage, deleteMessage, messageRange, updateMessage } from '../../../src/store/messages.ts';
import {
  addTestMessage,
  changeTypes,
  createTestConversation,
  hasReason,
  origin,
  useDatabases,
} from '../../support/database.ts';

describe('messages', () => {
  const databases = useDatabases();

  it('get the next number of their conversation, whatever happened to earlier ones', async () => {
    const db = await databases.open();
    const one = await createTestConversation(db);
    const two = await createTestConversation(db);
    const first = await addTestMessage(db, one.id, 'a');
    await deleteMessage(db, origin, first.id);
    const seqs = [first, await addTestMessage(db, one.id, 'b'), await addTestMessage(db, two.id, 'c')];
    assert.deepEqual(
      seqs.map(({ seq }) => seq),
      [1, 2, 1],
    );
  });

  it('keep the order in which they came, however the clock jumps meanwhile', async () => {
    const db = await databases.open();
    const { id: conversationId } = await createTestConversation(db);
    const now = Date.now();
    const clock = mock.method(Date, 'now');
    try {
      for (const [index, days] of [0, 1, -1, 0].entries()) {
        clock.mock.mockImplementation(() => now + days * 86_400_000);
        await addTestMessage(db, conversationId, `${index}`);
      }
    } finally {
      clock.mock.restore();
    }
    const { messages } = messageRange(db, { conversationId, fromSeq: 1, toSeq: 4 });
    assert.deepEqual(
      messages.map(({ seq, content }) => [seq, content]),
      [0, 1, 2, 3].map((index) => [index + 1, `${index}`]),
    );
    assert.deepEqual(
      changesAfter(db, 1, 9).changes.map(({ seq }) => seq),
      [1, 2, 3, 4],
    );
  });

  it('keep everything that was given', async () => {
    const db = await databases.open();
    const { id: conversationId } = await createTestConversation(db);
    const given = {
      id: uuid(),
      conversationId,
      role: 'assistant' as const,
      content: 'text',
      author: 'me',
      model: 'small',
      parts: [{ type: 'call', deep: { 'ü"': [1, null, true] } }],
      status: 'interrupted' as const,
    };
    const { createdAt, updatedAt, ...stored } = await addMessage(db, origin, given);
    assert.deepEqual(stored, { ...given, seq: 1, revision: 1, deletedAt: null });
    assert.ok(Number.isInteger(createdAt) && createdAt === updatedAt);
    const { messages } = messageRange(db, { conversationId, fromSeq: 1, toSeq: 1 });
    assert.deepEqual(messages, [{ ...stored, createdAt, updatedAt }]);
  });

  it('are stored once however often they are sent', async () => {
    const db = await databases.open();
    const { id: conversationId } = await createTestConversation(db);
    const message = { id: uuid(), conversationId, role: 'user' as const, content: 'text' };
    const [first, ...others] = await Promise.all([1, 2, 3].map(() => addMessage(db, origin, message)));
    for (const other of others) assert.deepEqual(other, first);
    assert.deepEqual(await addMessage(db, origin, { ...message, content: 'another' }), first);
    assert.deepEqual(changeTypes(db), ['ConversationCreated', 'MessageAdded']);
  });

  it('refuse the id of another conversation’s message', async () => {
    const db = await databases.open();
    const one = await createTestConversation(db);
    const two = await createTestConversation(db);
    const { id } = await addTestMessage(db, one.id, 'text');
    const again = addMessage(db, origin, { id, conversationId: two.id, role: 'user', content: 'text' });
    await assert.rejects(again, hasReason('conflict'));
    assert.deepEqual(messageRange(db, { conversationId: two.id, fromSeq: 1, toSeq: 9 }), { messages: [], lastSeq: 0 });
  });

  it('change only what an update names', async () => {
    const db = await databases.open();
    const { id: conversationId } = await createTestConversation(db);
    const parts = [{ a: 1 }];
    const message = await addMessage(db, origin, { conversationId, role: 'user', content: 'text', parts });
    const updates = [{ content: 'other' }, { status: 'error' as const }, { parts: [] }, { parts: null }];
    let expected = message;
    for (const [index, update] of updates.entries()) {
      const updated = await updateMessage(db, origin, { messageId: message.id, ...update });
      expected = { ...expected, ...update, revision: index + 2, updatedAt: updated.updatedAt };
      assert.deepEqual(updated, expected);
    }
    assert.deepEqual(changeTypes(db).slice(2), Array(4).fill('MessageUpdated'));
  });

  it('leave an empty tombstone under their number', async () => {
    const db = await databases.open();
    const { id: conversationId } = await createTestConversation(db);
    const { id } = await addMessage(db, origin, { conversationId, role: 'user', content: 'secret', parts: ['secret'] });
    const tombstone = await deleteMessage(db, origin, id);
    assert.deepEqual([tombstone.content, tombstone.parts, tombstone.seq, tombstone.revision], ['', null, 1, 2]);
    assert.ok(tombstone.deletedAt !== null);
    assert.deepEqual(await deleteMessage(db, origin, id), tombstone);
    assert.deepEqual(messageRange(db, { conversationId, fromSeq: 1, toSeq: 1 }).messages, [tombstone]);
    await assert.rejects(updateMessage(db, origin, { messageId: id, content: 'back' }), hasReason('deleted'));
    assert.deepEqual(changeTypes(db), ['ConversationCreated', 'MessageAdded', 'MessageDeleted']);
  });

  it('that do not exist are not found', async () => {
    const db = await databases.open();
    await assert.rejects(updateMessage(db, origin, { messageId: uuid(), content: '' }), hasReason('not-found'));
    await assert.rejects(deleteMessage(db, origin, uuid()), hasReason('not-found'));
  });

  it('come in ranges with both ends, at most so many at once', async () => {
    const db = await databases.open();
    const { id: conversationId } = await createTestConversation(db);
    const count = MAX_RANGE + 5;
    await Promise.all(Array.from({ length: count }, (_, index) => addTestMessage(db, conversationId, `${index + 1}`)));
    const range = (fromSeq: number, toSeq: number) => {
      const { messages, lastSeq } = messageRange(db, { conversationId, fromSeq, toSeq });
      assert.equal(lastSeq, count);
      return messages.map(({ seq, content }) => (String(seq) === content ? seq : Number.NaN));
    };
    assert.deepEqual(range(2, 4), [2, 3, 4]);
    assert.deepEqual(range(count, count + 9), [count]);
    assert.deepEqual(range(4, 3), []);
    assert.deepEqual(
      range(3, count),
      Array.from({ length: MAX_RANGE }, (_, index) => index + 3),
    );
  });

  it('come fewer at once when they are long, but always one', async () => {
    const db = await databases.open();
    const { id: conversationId } = await createTestConversation(db);
    for (const length of [5_000_000, 1_500_000, 1_500_000, 1_500_000]) {
      await addTestMessage(db, conversationId, 'x'.repeat(length));
    }
    const seqs = (fromSeq: number) =>
      messageRange(db, { conversationId, fromSeq, toSeq: 9 }).messages.map(({ seq }) => seq);
    assert.deepEqual([seqs(1), seqs(2), seqs(3)], [[1], [2, 3], [3, 4]]);
    // The unfinished statement must not keep anything from being written.
    assert.equal((await addTestMessage(db, conversationId, 'next')).seq, 5);
  });

  it('are not changed by one who has seen another revision', async () => {
    const db = await databases.open();
    const { id: conversationId } = await createTestConversation(db);
    const { id: messageId } = await addTestMessage(db, conversationId, 'text');
    await updateMessage(db, origin, { messageId, revision: 1, content: 'mine' });
    const late = updateMessage(db, origin, { messageId, revision: 1, content: 'theirs' });
    await assert.rejects(late, { reason: 'conflict', message: /changed in another window/ });
    const same = updateMessage(db, origin, { messageId, revision: 1, content: 'mine' });
    await assert.rejects(same, hasReason('conflict'));
    const { messages } = messageRange(db, { conversationId, fromSeq: 1, toSeq: 1 });
    assert.deepEqual([messages[0]?.content, messages[0]?.revision], ['mine', 2]);
    assert.deepEqual(changeTypes(db), ['ConversationCreated', 'MessageAdded', 'MessageUpdated']);
  });

  it('refuse parts without end, and store the longest ones', async () => {
    const db = await databases.open();
    const { id: conversationId } = await createTestConversation(db);
    const parts = 'x'.repeat(MAX_CONTENT_LENGTH - 2);
    const message = { conversationId, role: 'user' as const, content: '' };
    await assert.rejects(addMessage(db, origin, { ...message, parts: `${parts}x` }), hasReason('too-large'));
    const { id: messageId } = await addMessage(db, origin, { ...message, parts });
    await assert.rejects(updateMessage(db, origin, { messageId, parts: `${parts}x` }), hasReason('too-large'));
    assert.deepEqual(changeTypes(db), ['ConversationCreated', 'MessageAdded']);
  });

  it('come in part when their parts together are too long', async () => {
    const db = await databases.open();
    const { id: conversationId } = await createTestConversation(db);
    for (let count = 0; count < 3; count++) {
      const parts = 'x'.repeat(1_900_000);
      await addMessage(db, origin, { conversationId, role: 'user', content: '', parts });
    }
    const { messages, lastSeq } = messageRange(db, { conversationId, fromSeq: 1, toSeq: 3 });
    assert.deepEqual([messages.length, lastSeq], [2, 3]);
  });
});
