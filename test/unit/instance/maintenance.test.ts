import assert from 'node:assert/strict';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { databaseSyncStore } from '../../../src/instance/databaseSyncStore.ts';
import { MAX_LOG } from '../../../src/store/database.ts';
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

  it('tells of a log that a reader without end keeps from becoming short', async () => {
    const [db, reader] = [await databases.open(), databases.raw()];
    const { id } = await createTestConversation(db);
    reader.exec('BEGIN; SELECT count(*) FROM messages');
    const lines: string[] = [];
    const store = databaseSyncStore(db, origin, (_, line) => lines.push(line));
    await store.maintain();
    assert.deepEqual(lines, []);
    const long = 'x'.repeat(9_000_000);
    while (statSync(`${databases.path}-wal`).size <= MAX_LOG) await addTestMessage(db, id, long);
    await store.maintain();
    assert.match(String(lines), /log has \d+ bytes: some program reads without end/);
    reader.exec('COMMIT');
    await store.maintain();
    assert.equal(statSync(`${databases.path}-wal`).size, 0);
    assert.equal(lines.length, 1);
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
