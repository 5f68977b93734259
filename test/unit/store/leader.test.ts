import assert from 'node:assert/strict';
import { readLeader, takeOverLeadership, writeAsLeader } from '../../../src/store/leader.ts';
import { createTestConversation, hasReason, origin, useDatabases } from '../../support/database.ts';

const other = '00000000-0000-7000-8000-000000000002';

describe('leadership of a database', () => {
  const databases = useDatabases();

  it('goes to one of several that have seen the same leader gone', async () => {
    const connections = await Promise.all([databases.open(), databases.open(), databases.open()]);
    const epochs = await Promise.all(connections.map((db, index) => takeOverLeadership(db, `${index}`, 0)));
    assert.deepEqual(epochs.toSorted(), [1, undefined, undefined]);
    const [db] = connections;
    assert.ok(db);
    assert.deepEqual(readLeader(db), { instanceId: `${epochs.indexOf(1)}`, epoch: 1 });
    assert.equal(await takeOverLeadership(db, other, 1), 2);
  });

  it('lets its holder write, and one that was replaced meanwhile change nothing', async () => {
    const [db, sibling] = [await databases.open(), await databases.open()];
    await createTestConversation(db);
    const frozen = { instanceId: origin, epoch: Number(await takeOverLeadership(db, origin, 0)) };
    const write = () => db.sql('UPDATE conversations SET title = title || ?').run('!');
    await writeAsLeader(db, frozen, write);
    await takeOverLeadership(sibling, other, 1);
    await assert.rejects(writeAsLeader(db, frozen, write), hasReason('not-leader'));
    // Nor after it has led once more in between.
    await takeOverLeadership(db, origin, 2);
    await assert.rejects(writeAsLeader(db, frozen, write), hasReason('not-leader'));
    await assert.rejects(writeAsLeader(db, { instanceId: other, epoch: 3 }, write), hasReason('not-leader'));
    assert.equal(db.sql('SELECT title FROM conversations').pluck().get(), 'Talk!');
  });
});
