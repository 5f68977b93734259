import assert from 'node:assert/strict';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { databaseSyncStore } from '../../../src/instance/databaseSyncStore.ts';
import { addTestMessage, createTestConversation, hasReason, origin, useDatabases } from '../../support/database.ts';

const PAGE = 4096;

describe('maintenance of a database', () => {
  const databases = useDatabases();

  it('empties the log though no backup can be taken', async () => {
    const db = await databases.open();
    await createTestConversation(db);
    writeFileSync(`${databases.path}.backups`, 'in the way');
    const lines: string[] = [];
    await databaseSyncStore(db, origin, (_, line) => lines.push(line)).maintain();
    assert.equal(statSync(`${databases.path}-wal`).size, 0);
    assert.match(String(lines), /^no backup could be taken: /);
  });

  it('tells of damage that a backup has shown', async () => {
    const before = await databases.open();
    const { id } = await createTestConversation(before);
    for (let index = 0; index < 60; index++) await addTestMessage(before, id, `message ${index} ${'x'.repeat(300)}`);
    await before.close();
    const file = readFileSync(databases.path);
    const page = Math.floor(file.indexOf('message 30 ') / PAGE) * PAGE;
    writeFileSync(databases.path, file.fill(0xff, page, page + PAGE));
    const faults: unknown[] = [];
    const store = databaseSyncStore(
      await databases.open(),
      origin,
      () => undefined,
      (error) => faults.push(error),
    );
    await store.maintain();
    assert.deepEqual(faults.map(hasReason('corrupt')), [true]);
  });
});
