import assert from 'node:assert/strict';
import Sqlite from 'better-sqlite3';
import fc from 'fast-check';
import { migrate } from '../../../src/store/migrate.ts';
import { missingParts } from '../../../src/store/schemaParts.ts';

describe('parts of the schema', function () {
  this.timeout(60_000);
  const sqlite = new Sqlite(':memory:');
  const db = { sql: (text: string) => sqlite.prepare(text) };
  const named = (kind: string) =>
    sqlite.prepare(`SELECT name FROM sqlite_schema WHERE type = ? AND sql IS NOT NULL`).pluck().all(kind) as string[];

  before(() => void migrate(sqlite));
  after(() => sqlite.close());

  it('are missed exactly where they are gone, and what is derived can be made anew', () => {
    const [indexes, triggers] = [named('index'), named('trigger')];
    assert.ok(indexes.length > 3 && triggers.length > 1);
    fc.assert(
      fc.property(fc.subarray([...indexes, ...triggers], { maxLength: 3 }), (gone) => {
        sqlite.exec('BEGIN');
        try {
          for (const name of gone) sqlite.exec(`DROP ${indexes.includes(name) ? 'INDEX' : 'TRIGGER'} ${name}`);
          const missing = missingParts(db);
          assert.deepEqual(missing.map(({ name }) => name).sort(), gone.toSorted());
          for (const { sql } of missing) sqlite.exec(sql ?? assert.fail());
          assert.deepEqual(missingParts(db), []);
        } finally {
          sqlite.exec('ROLLBACK');
        }
      }),
    );
  });
});
