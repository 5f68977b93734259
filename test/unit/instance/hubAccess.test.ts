import assert from 'node:assert/strict';
import { HubAccess } from '../../../src/instance/hubAccess.ts';
import { deleteConversation } from '../../../src/store/conversations.ts';
import { readLeader } from '../../../src/store/leader.ts';
import { purgeConversations } from '../../../src/store/purge.ts';
import { createTestConversation, origin, useDatabases } from '../../support/database.ts';

describe('the access to a hub', () => {
  const databases = useDatabases();

  it('passes over what is written in a conversation that is not there any more', async () => {
    const db = await databases.open();
    const { id } = await createTestConversation(db);
    await deleteConversation(db, origin, id);
    await purgeConversations(db, origin, [id]);
    const nothing = () => undefined;
    const access = new HubAccess(
      {
        ...{ db, instanceId: origin, log: nothing, committed: nothing, changed: nothing },
        ...{ notice: nothing, streamed: nothing, askLeader: () => assert.fail('this instance leads') },
      },
      null,
    );
    databases.directory.defer(() => access.close());
    access.lead(readLeader(db));
    await access.configure({ url: 'http://127.0.0.1:1', token: 'token', share: 'none' });
    for (const conversationId of [id, 'nowhere']) {
      access.stream({ conversationId, messageId: 'message', runId: 'run', offset: 0, text: 'piece' });
    }
  });
});
