import assert from 'node:assert/strict';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { databaseSyncStore } from '../../../src/instance/databaseSyncStore.ts';
import { type Database, MAX_LOG } from '../../../src/store/database.ts';
import { takeOverLeadership } from '../../../src/store/leader.ts';
import { listBackups } from '../../../src/store/recovery/backups.ts';
import { addTestMessage, createTestConversation, hasReason, origin, useDatabases } from '../../support/database.ts';

const PAGE = 4096;
const leader = { instanceId: origin, epoch: 1 };

const lead = (db: Database) => takeOverLeadership(db, origin, 0);

describe('maintenance of a database', () => {
  const databases = useDatabases();

  it('empties the log though no backup can be taken', async () => {
    const db = await databases.open();
    await lead(db);
    await createTestConversation(db);
    writeFileSync(`${databases.path}.backups`, 'in the way');
    const lines: string[] = [];
    await databaseSyncStore(db, origin, (_, line) => lines.push(line)).maintain(leader);
    assert.equal(statSync(`${databases.path}-wal`).size, 0);
    assert.match(String(lines), /^no backup could be taken: /);
  });

  it('tells of a log that a reader without end keeps from becoming short', async () => {
    const [db, reader] = [await databases.open(), databases.raw()];
    await lead(db);
    const { id } = await createTestConversation(db);
    reader.exec('BEGIN; SELECT count(*) FROM messages');
    const lines: string[] = [];
    const store = databaseSyncStore(db, origin, (_, line) => lines.push(line));
    await store.maintain(leader);
    assert.deepEqual(lines, []);
    const long = 'x'.repeat(9_000_000);
    while (statSync(`${databases.path}-wal`).size <= MAX_LOG) await addTestMessage(db, id, long);
    await store.maintain(leader);
    assert.match(String(lines), /log has \d+ bytes: some program reads without end/);
    reader.exec('COMMIT');
    await store.maintain(leader);
    assert.equal(statSync(`${databases.path}-wal`).size, 0);
    assert.equal(lines.length, 1);
  });

  it('is left to the successor by a leader that was replaced', async () => {
    const [db, sibling] = [await databases.open(), await databases.open()];
    await lead(db);
    await createTestConversation(db);
    const length = db.logLength();
    await takeOverLeadership(sibling, 'successor', 1);
    const store = databaseSyncStore(db, origin, assert.fail, assert.fail);
    await assert.rejects(store.maintain(leader), hasReason('not-leader'));
    assert.deepEqual(listBackups(databases.path), []);
    assert.ok(db.logLength() > length);
    const successor = databaseSyncStore(sibling, 'successor', assert.fail, assert.fail);
    await successor.maintain({ instanceId: 'successor', epoch: 2 });
    assert.equal(listBackups(databases.path).length, 1);
  });

  it('tells of damage that a backup has shown', async () => {
    const before = await databases.open();
    await lead(before);
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
    await store.maintain(leader);
    assert.deepEqual(faults.map(hasReason('corrupt')), [true]);
  });
});
