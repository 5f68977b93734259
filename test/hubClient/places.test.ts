import assert from 'node:assert/strict';
import { branchConversation } from '../../src/store/branch.ts';
import { getConversation, markRead } from '../../src/store/conversations.ts';
import { messageRange } from '../../src/store/messages.ts';
import { unshareConversation } from '../../src/store/replica/sharing.ts';
import { searchMessages } from '../../src/store/search.ts';
import { verify } from '../../src/store/verify.ts';
import { useReplicas } from './support/replicas.ts';

describe('messages that wait for their numbers', () => {
  const replicas = useReplicas();

  /** A shared conversation with two messages that have their numbers, and three that have not. */
  async function waiting() {
    const replica = await replicas.start();
    const id = await replica.share();
    for (const text of ['one', 'two', 'three', 'four', 'five']) await replica.add(id, text);
    await replica.db.write(() => {
      replica.db.sql(`UPDATE messages SET seq = row_id WHERE content IN ('one', 'two')`).run();
      replica.db.sql('UPDATE conversations SET last_seq = 2').run();
    });
    const { db } = replica;
    const range = (fromSeq: number, toSeq: number) =>
      messageRange(db, { conversationId: id, fromSeq, toSeq }).messages.map(({ seq, content }) => `${seq} ${content}`);
    return { replica, db, id, range };
  }

  it('have places after all that have theirs, in the order of writing', async () => {
    const { db, id, range } = await waiting();
    assert.deepEqual(range(1, 9), ['1 one', '2 two', '3 three', '4 four', '5 five']);
    assert.deepEqual(
      [range(2, 3), range(4, 4), range(5, 9), range(6, 9)],
      [['2 two', '3 three'], ['4 four'], ['5 five'], []],
    );
    const { messages, lastSeq } = messageRange(db, { conversationId: id, fromSeq: 1, toSeq: 5 });
    assert.deepEqual(
      [lastSeq, messages.map(({ isPending = false }) => isPending)],
      [5, [false, false, true, true, true]],
    );
    assert.deepEqual(
      searchMessages(db, { query: 'four', conversationId: id }).hits.map(({ seq }) => seq),
      [4],
    );
  });

  it('can be read, and are copied with the others', async () => {
    const { replica, db, id } = await waiting();
    assert.deepEqual([getConversation(db, id).lastSeq, getConversation(db, id).unread], [5, 0]);
    assert.equal((await markRead(db, replica.origin, id)).lastReadSeq, 5);
    const copy = await branchConversation(db, replica.origin, { conversationId: id, throughSeq: 4 });
    const copied = messageRange(db, { conversationId: copy.id, fromSeq: 1, toSeq: 9 }).messages;
    assert.deepEqual(
      copied.map(({ seq, content }) => `${seq} ${content}`),
      ['1 one', '2 two', '3 three', '4 four'],
    );
  });

  it('get numbers of this database when the conversation is not shared any more', async () => {
    const { replica, db, id, range } = await waiting();
    await unshareConversation(db, replica.origin, id);
    await replica.add(id, 'six');
    assert.deepEqual(range(5, 6), ['5 five', '6 six']);
    assert.deepEqual(db.sql('SELECT seq FROM messages ORDER BY row_id').pluck().all(), [1, 2, 3, 4, 5, 6]);
    assert.equal(replica.waiting, 0);
    assert.deepEqual((await verify(db, 'test', false)).problems, []);
  });
});
