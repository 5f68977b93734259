import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { v7 as uuid } from 'uuid';
import type { Database } from '../../../src/store/database.ts';
import { verify } from '../../../src/store/verify.ts';
import { createTestConversation, origin, useDatabases } from '../../support/database.ts';

const program = join(import.meta.dirname, 'killProgram.ts');

/** How often a message is in the tables that tell of it. */
function traces(db: Database, id: string): unknown[] {
  return [
    'SELECT count(*) FROM messages WHERE id = ?',
    'SELECT count(*) FROM change_log WHERE message_id = ?',
    `SELECT count(*) FROM messages WHERE id = ? AND row_id IN (SELECT rowid FROM message_index WHERE message_index MATCH 'text')`,
  ].map((query) => db.sql(query).pluck().get(id));
}

describe('process that dies while it writes', () => {
  const databases = useDatabases();

  it('leaves a message whole or not at all, whichever two steps it dies between, and whole if it said so', async () => {
    const db = await databases.open();
    const deaths = { before: 0, after: 0 };
    for (let steps = 0, isDead = true; isDead; steps++) {
      const [{ id: conversationId }, id] = [await createTestConversation(db), uuid()];
      const { signal, status, stdout } = spawnSync(
        process.execPath,
        [program, databases.path, conversationId, id, `${steps}`],
        { encoding: 'utf8' },
      );
      isDead = signal === 'SIGKILL';
      assert.ok(isDead || status === 0);
      const [inTable, ...others] = traces(db, id);
      assert.deepEqual(others, [inTable, inTable], `killed after ${steps} steps`);
      if (stdout === 'stored') assert.equal(inTable, 1, `acknowledged, then killed after ${steps} steps`);
      assert.deepEqual((await verify(db, origin, false)).problems, []);
      if (isDead) deaths[inTable === 1 ? 'after' : 'before']++;
    }
    assert.ok(deaths.before >= 5 && deaths.after === 2, JSON.stringify(deaths));
  }).timeout(60_000);
});
