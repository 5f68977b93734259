import assert from 'node:assert/strict';
import { mock } from 'node:test';
import { v7 as uuid } from 'uuid';
import {
  createConversation,
  deleteConversation,
  listConversations,
  markRead,
  renameConversation,
  restoreConversation,
} from '../../../src/store/conversations.ts';
import { deleteMessage, messageRange, updateMessage } from '../../../src/store/messages.ts';
import {
  addTestMessage,
  changeTypes,
  createTestConversation,
  hasReason,
  origin,
  useDatabases,
} from '../../support/database.ts';

describe('conversations', () => {
  const databases = useDatabases();

  it('log every mutation once, with its author, and the list tells the newest entry', async () => {
    const db = await databases.open();
    const { id } = await createTestConversation(db);
    await renameConversation(db, origin, id, 'Other');
    await addTestMessage(db, id, 'text', 'assistant');
    await markRead(db, origin, id);
    await deleteConversation(db, origin, id);
    await restoreConversation(db, origin, id);
    assert.deepEqual(changeTypes(db), [
      'ConversationCreated',
      'ConversationTitleUpdated',
      'MessageAdded',
      'ConversationRead',
      'ConversationDeleted',
      'ConversationRestored',
    ]);
    assert.equal(listConversations(db, false).lastChangeId, 6);
    assert.deepEqual(db.sql('SELECT DISTINCT conversation_id, origin_instance_id FROM change_log').all(), [
      { conversation_id: id, origin_instance_id: origin },
    ]);
  });

  it('are listed with the head of the same moment, though a sibling commits between the two reads', async () => {
    const [db, sibling] = [await databases.open(), databases.raw()];
    await createTestConversation(db);
    const sql = db.sql.bind(db);
    const reads = mock.method(db, 'sql', (text: string) => {
      // What the sibling commits changes the list and the head.
      if (reads.mock.callCount() > 0) sibling.exec(`DELETE FROM conversations; UPDATE sqlite_sequence SET seq = 50`);
      return sql(text);
    });
    const { conversations, lastChangeId } = listConversations(db, false);
    reads.mock.restore();
    assert.deepEqual([conversations.length, lastChangeId], [1, 1]);
    const later = listConversations(db, false);
    assert.deepEqual([later.conversations.length, later.lastChangeId], [0, 50]);
  });

  it('log nothing and change nothing when nothing is new', async () => {
    const db = await databases.open();
    const { id } = await createTestConversation(db, 'Talk');
    const message = await addTestMessage(db, id, 'text');
    await markRead(db, origin, id);
    const before = changeTypes(db).length;
    const noops = [
      () => createConversation(db, origin, { id, title: 'Another' }),
      () => renameConversation(db, origin, id, ' Talk\n'),
      () => restoreConversation(db, origin, id),
      () => markRead(db, origin, id),
      () => markRead(db, origin, id, 0),
      () => markRead(db, origin, id, 99),
    ];
    const [row] = listConversations(db, true).conversations;
    for (const noop of noops) assert.deepEqual(await noop(), row);
    assert.deepEqual(await updateMessage(db, origin, { messageId: message.id, content: 'text' }), message);
    assert.equal(changeTypes(db).length, before);
    const deleted = await deleteConversation(db, origin, id);
    assert.deepEqual(await deleteConversation(db, origin, id), deleted);
    assert.equal(changeTypes(db).length, before + 1);
  });

  it('raise their revision with every change of themselves and of their messages', async () => {
    const db = await databases.open();
    const { id, revision } = await createTestConversation(db);
    const message = await addTestMessage(db, id, 'text', 'assistant');
    await updateMessage(db, origin, { messageId: message.id, content: 'other' });
    await deleteMessage(db, origin, message.id);
    await renameConversation(db, origin, id, 'Other');
    await markRead(db, origin, id);
    await deleteConversation(db, origin, id);
    await restoreConversation(db, origin, id);
    const [row] = listConversations(db, false).conversations;
    assert.deepEqual([revision, row?.revision], [1, 8]);
  });

  it('in the bin leave the list, keep their messages, and refuse changes until restored', async () => {
    const db = await databases.open();
    const { id } = await createTestConversation(db);
    const message = await addTestMessage(db, id, 'text');
    await deleteConversation(db, origin, id);
    assert.deepEqual(listConversations(db, false).conversations, []);
    assert.equal(listConversations(db, true).conversations.length, 1);
    const refused = [
      () => renameConversation(db, origin, id, 'Other'),
      () => markRead(db, origin, id),
      () => addTestMessage(db, id, 'more'),
      () => updateMessage(db, origin, { messageId: message.id, content: 'other' }),
      () => deleteMessage(db, origin, message.id),
    ];
    for (const change of refused) await assert.rejects(change(), hasReason('deleted'));
    await restoreConversation(db, origin, id);
    assert.deepEqual(messageRange(db, { conversationId: id, fromSeq: 1, toSeq: 9 }).messages, [message]);
    assert.equal((await addTestMessage(db, id, 'more')).seq, 2);
  });

  it('that do not exist are not found', async () => {
    const db = await databases.open();
    const id = uuid();
    const calls = [
      () => renameConversation(db, origin, id, 'x'),
      () => deleteConversation(db, origin, id),
      () => restoreConversation(db, origin, id),
      () => markRead(db, origin, id),
      () => addTestMessage(db, id, 'text'),
      async () => messageRange(db, { conversationId: id, fromSeq: 1, toSeq: 1 }),
    ];
    for (const call of calls) await assert.rejects(call(), hasReason('not-found'));
    assert.deepEqual(changeTypes(db), []);
  });

  it('are read up to a message, never less than before and never more than there are', async () => {
    const db = await databases.open();
    const { id } = await createTestConversation(db);
    for (const content of ['a', 'b', 'c']) await addTestMessage(db, id, content, 'assistant');
    const read = async (seq?: number) => (await markRead(db, origin, id, seq)).lastReadSeq;
    assert.deepEqual([await read(2), await read(1), await read(99), await read()], [2, 2, 3, 3]);
  });

  it('have one trimmed line as title', async () => {
    const db = await databases.open();
    const { title } = await createConversation(db, origin, { title: ' a\n\tb \u2028 \ud800\0c ' });
    assert.equal(title, 'a b \uFFFD\uFFFDc');
  });
});
