import assert from 'node:assert/strict';
import { createConversation, deleteConversation } from '../../src/store/conversations.ts';
import { shareConversation } from '../../src/store/replica/sharing.ts';
import { useHubs } from '../hub/support/hubs.ts';
import { useReplicas } from './support/replicas.ts';

describe('sharing a conversation', () => {
  const hubs = useHubs();
  const replicas = useReplicas();

  async function written() {
    const replica = await replicas.start();
    const { id } = await createConversation(replica.db, replica.origin, {});
    await replica.add(id, 'one');
    return { replica, id };
  }

  it('leaves nothing to be told when the conversation is deleted meanwhile', async () => {
    const { replica, id } = await written();
    const sharing = shareConversation(replica.db, replica.origin, id);
    // Comes between its transactions.
    const deleting = deleteConversation(replica.db, replica.origin, id).then(() => replica.waiting);
    await assert.rejects(sharing, { reason: 'deleted' });
    assert.deepEqual([await deleting, replica.waiting], [1, 0]);
  });

  it('leaves nothing to be told when the user keeps the conversation private meanwhile', async () => {
    const { replica, id } = await written();
    const { db } = replica;
    const sharing = shareConversation(db, replica.origin, id, 'local');
    await db.write(() => db.sql(`UPDATE conversations SET authority = 'private' WHERE id = ?`).run(id));
    assert.equal((await sharing).isShared, undefined);
    assert.equal(replica.waiting, 0);
  });

  it('is tidied up after when it was killed', async () => {
    const { replica, id } = await written();
    const { db } = replica;
    await db.write(() => db.sql(`INSERT INTO hub_outbox(type, id) SELECT 'message', id FROM messages`).run());
    const shared = await replica.share();
    replica.connect({ url: (await hubs.start()).url, token: await hubs.token() });
    await replica.settled();
    assert.deepEqual(db.sql(`SELECT id FROM conversations WHERE authority = 'hub'`).pluck().all(), [shared]);
    assert.equal(replica.waiting, 0);
    assert.notEqual(id, shared);
  });
});
