import assert from 'node:assert/strict';
import fc from 'fast-check';
import { v7 as uuid } from 'uuid';
import type { Conversation, Message } from '../../../src/protocol/model.ts';
import { branchConversation } from '../../../src/store/branch.ts';
import { changeHead, changesAfter } from '../../../src/store/changeLog.ts';
import { deleteConversation, listConversations, renameConversation } from '../../../src/store/conversations.ts';
import type { Database } from '../../../src/store/database.ts';
import { addMessage, deleteMessage, messageRange } from '../../../src/store/messages.ts';
import { purgeConversations, purgeDue, removePurged } from '../../../src/store/purge.ts';
import { searchMessages } from '../../../src/store/search.ts';
import { beginStream, checkpointStream } from '../../../src/store/streams.ts';
import { verify } from '../../../src/store/verify.ts';
import {
  addTestMessage,
  changeTypes,
  createTestConversation,
  hasReason,
  origin,
  useDatabases,
} from '../../support/database.ts';

const HOUR = 3_600_000;

function messagesOf(db: Database, conversationId: string): Message[] {
  const all: Message[] = [];
  for (;;) {
    const range = { conversationId, fromSeq: all.length + 1, toSeq: all.length + 500 };
    const { messages } = messageRange(db, range);
    if (messages.length === 0) return all;
    all.push(...messages);
  }
}

/** Adds messages in one transaction, without a log: the source of a copy that takes several. */
async function addMany(db: Database, conversationId: string, count: number): Promise<void> {
  await db.write(() => {
    const insert = db.sql(
      `INSERT INTO messages(id, conversation_id, seq, role, content, status, created_at, updated_at)
       VALUES (?, ?, ?, 'user', ?, 'complete', 1, 1)`,
    );
    for (let seq = 1; seq <= count; seq++) insert.run(uuid(), conversationId, seq, `text ${seq}`);
    db.sql('UPDATE conversations SET last_seq = ? WHERE id = ?').run(count, conversationId);
    db.sql('UPDATE chat_sync_state SET message_count = ? WHERE conversation_id = ?').run(count, conversationId);
  });
}

describe('branches', () => {
  const databases = useDatabases();

  it('hold the messages up to a number as they were, and say where they come from', async () => {
    const db = await databases.open();
    const { id: conversationId } = await createTestConversation(db, 'Talk');
    const given = { conversationId, role: 'assistant', author: 'me', model: 'small', status: 'error' } as const;
    const source = [
      await addTestMessage(db, conversationId, 'one'),
      await addMessage(db, origin, { ...given, content: 'two', parts: [{ type: 'text', text: 'two' }] }),
      await addTestMessage(db, conversationId, 'three'),
    ];
    const head = db.read(() => changeHead(db));
    const branch = await branchConversation(db, origin, { conversationId, throughSeq: 2 });
    assert.deepEqual(
      [branch.title, branch.source, branch.parentId, branch.branchedFrom, branch.lastSeq, branch.unread],
      ['Talk (branch)', 'chat', conversationId, 2, 2, 0],
    );
    const copies = messagesOf(db, branch.id);
    assert.deepEqual(
      copies.map(({ id, conversationId: _, ...rest }) => rest),
      source.slice(0, 2).map(({ id, conversationId: _, ...rest }) => rest),
    );
    assert.ok(copies.every(({ id, conversationId: own }) => own === branch.id && !source.some((one) => one.id === id)));
    const page = changesAfter(db, head, 9);
    assert.deepEqual(
      page.changes.map(({ changeType, conversationId: own, newTitle }) => [changeType, own, newTitle]),
      [['ConversationCreated', branch.id, 'Talk (branch)']],
    );
    assert.deepEqual(page.conversations, [branch]);
    assert.equal(searchMessages(db, { query: 'one' }).hits.length, 2);
    assert.equal((await addTestMessage(db, branch.id, 'goes on')).seq, 3);
    assert.equal(messagesOf(db, conversationId).length, 3);
    assert.deepEqual(await verify(db, origin, false), { problems: [], repaired: [] });
  });

  it('leave out what was deleted and close up, whatever is deleted and wherever they end', async () => {
    const db = await databases.open();
    const scenario = fc.record({ deleted: fc.array(fc.boolean(), { maxLength: 6 }), through: fc.nat({ max: 8 }) });
    await fc.assert(
      fc.asyncProperty(scenario, async ({ deleted, through }) => {
        const { id: conversationId } = await createTestConversation(db);
        for (const [index, isDeleted] of deleted.entries()) {
          const { id } = await addTestMessage(db, conversationId, `${index + 1}`);
          if (isDeleted) await deleteMessage(db, origin, id);
        }
        const branch = await branchConversation(db, origin, { conversationId, throughSeq: through });
        const expected = deleted.flatMap((isDeleted, index) => (isDeleted || index >= through ? [] : [`${index + 1}`]));
        assert.deepEqual(
          messagesOf(db, branch.id).map(({ seq, content }) => [seq, content]),
          expected.map((content, index) => [index + 1, content]),
        );
        assert.deepEqual([branch.lastSeq, branch.lastReadSeq], [expected.length, expected.length]);
        assert.equal(branch.branchedFrom, Math.min(through, deleted.length));
      }),
      { numRuns: 50 },
    );
    assert.deepEqual((await verify(db, origin, false)).problems, []);
  });

  it('refer to their own messages where the source refers to its own', async () => {
    const db = await databases.open();
    const { id: conversationId } = await createTestConversation(db);
    const question = await addTestMessage(db, conversationId, 'question');
    const answer = { conversationId, role: 'assistant', content: 'answer' } as const;
    const parts = { replyTo: question.id, attachments: [], other: 'kept' };
    const first = await addMessage(db, origin, { ...answer, parts });
    await addMessage(db, origin, { ...answer, parts: { ...parts, alternativeOf: first.id } });
    await addMessage(db, origin, { ...answer, parts: { replyTo: 7 } });
    const branch = await branchConversation(db, origin, { conversationId });
    const [one, two, three, four] = messagesOf(db, branch.id);
    assert.deepEqual(two?.parts, { ...parts, replyTo: one?.id });
    assert.deepEqual(three?.parts, { ...parts, replyTo: one?.id, alternativeOf: two?.id });
    assert.deepEqual(four?.parts, { replyTo: 7 });
  });

  it('hold what has been written of a message that is still being written, and nobody goes on with it', async () => {
    const db = await databases.open();
    const { id: conversationId } = await createTestConversation(db);
    const { id } = await beginStream(db, origin, { conversationId });
    await checkpointStream(db, origin, id, 'half');
    const branch = await branchConversation(db, origin, { conversationId, title: ' Mine ' });
    const [copy] = messagesOf(db, branch.id);
    assert.deepEqual([branch.title, copy?.content, copy?.status], ['Mine', 'half', 'interrupted']);
    assert.deepEqual((await verify(db, origin, false)).problems, []);
  });

  it('are made of what an agent wrote as well, and of nothing that is in the bin', async () => {
    const db = await databases.open();
    const { id: conversationId } = await createTestConversation(db, '');
    db.sql(`UPDATE conversations SET source = 'codex', external_id = 'session'`).run();
    const { source, externalId, title } = await branchConversation(db, origin, { conversationId });
    assert.deepEqual([source, externalId, title], ['chat', null, '']);
    await deleteConversation(db, origin, conversationId);
    await assert.rejects(branchConversation(db, origin, { conversationId }), hasReason('deleted'));
    await assert.rejects(branchConversation(db, origin, { conversationId: uuid() }), hasReason('not-found'));
  });

  it('are made once, however often and by however many they are asked for under one id', async () => {
    const db = await databases.open();
    const { id: conversationId } = await createTestConversation(db);
    await addMany(db, conversationId, 2500);
    const params = { conversationId, id: uuid() };
    const both = await Promise.all([branchConversation(db, origin, params), branchConversation(db, origin, params)]);
    assert.deepEqual(both[0], both[1]);
    assert.deepEqual(await branchConversation(db, origin, params), both[0]);
    assert.deepEqual(
      messagesOf(db, params.id).map(({ content }) => content),
      messagesOf(db, conversationId).map(({ content }) => content),
    );
    assert.equal(changeTypes(db).length, 2);
    const taken = { conversationId, id: conversationId };
    await assert.rejects(branchConversation(db, origin, taken), hasReason('conflict'));
  });

  /** Begins a branch that takes several transactions, and dies after so many of them. */
  async function die(db: Database, params: { conversationId: string; id: string }, after: number): Promise<void> {
    let left = after;
    const dying = Object.create(db, {
      write: { value: <T>(body: () => T) => (left-- > 0 ? db.write(body) : Promise.reject(new Error('killed'))) },
      sql: { value: (text: string) => db.sql(text) },
      read: { value: <T>(body: () => T) => db.read(body) },
    }) as Database;
    await assert.rejects(branchConversation(dying, origin, params), /killed/);
  }

  it('are not seen before they are whole, and go on where the first attempt has died', async () => {
    const db = await databases.open();
    const { id: conversationId } = await createTestConversation(db);
    await addMany(db, conversationId, 2500);
    const params = { conversationId, id: uuid() };
    for (const after of [1, 1]) {
      await die(db, params, after);
      const seen: Conversation[] = listConversations(db, true).conversations;
      assert.deepEqual([seen.length, changeTypes(db).length], [1, 1]);
      const { hits } = searchMessages(db, { query: 'text 7', limit: 1000 });
      assert.ok(hits.every((hit) => hit.conversationId === conversationId));
      await assert.rejects(renameConversation(db, origin, params.id, 'x'), hasReason('deleted'));
      assert.deepEqual((await verify(db, origin, false)).problems, []);
    }
    // What somebody else has purged meanwhile is none of this one's affair.
    const { id: other } = await createTestConversation(db);
    await purgeConversations(db, origin, [other]);
    await removePurged(db, (body) => db.write(body));
    await branchConversation(db, origin, params);
    assert.deepEqual(
      messagesOf(db, params.id).map(({ seq, content }) => [seq, content]),
      Array.from({ length: 2500 }, (_, index) => [index + 1, `text ${index + 1}`]),
    );
  });

  it('that nobody has gone on with for an hour are given up for good', async () => {
    const db = await databases.open();
    const { id: conversationId } = await createTestConversation(db);
    await addMany(db, conversationId, 1500);
    const params = { conversationId, id: uuid() };
    await die(db, params, 1);
    const write = <T>(body: () => T) => db.write(body);
    const texts = db.sql(`SELECT count(*) FROM messages WHERE conversation_id = ? AND content <> ''`).pluck();
    await purgeDue(db, origin, write, Date.now());
    assert.equal(texts.get(params.id), 250);
    await purgeDue(db, origin, write, Date.now() + 2 * HOUR);
    assert.equal(texts.get(params.id), 0);
    await assert.rejects(branchConversation(db, origin, params), hasReason('deleted'));
    assert.deepEqual((await verify(db, origin, false)).problems, []);
  });
});
