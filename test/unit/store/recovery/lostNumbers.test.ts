import assert from 'node:assert/strict';
import Sqlite from 'better-sqlite3';
import fc from 'fast-check';
import { migrate } from '../../../../src/store/migrate.ts';
import { fillGaps } from '../../../../src/store/recovery/lostNumbers.ts';

describe('numbers of lost messages', function () {
  this.timeout(60_000);
  const sqlite = new Sqlite(':memory:');

  before(() => {
    migrate(sqlite);
    sqlite.exec('BEGIN');
  });
  after(() => sqlite.close());

  /** Stores messages under these numbers in place of all others. */
  function store(seqs: readonly number[]): void {
    sqlite.exec(
      `ROLLBACK; BEGIN;
       INSERT INTO conversations(id, title, source, created_at, updated_at) VALUES ('c', '', 'chat', 1, 1)`,
    );
    const insert = sqlite.prepare(
      `INSERT INTO messages(id, conversation_id, seq, role, content, status, created_at, updated_at)
       VALUES (?, 'c', ?, 'user', '', 'complete', 1, 1)`,
    );
    for (const seq of seqs) insert.run(`m${seq}`, seq);
  }

  const held = fc.uniqueArray(fc.integer({ min: 1, max: 40 }), { maxLength: 12 });
  const rarely = <T>(value: fc.Arbitrary<T>) =>
    fc.oneof({ weight: 9, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: value });
  const damaged = rarely(fc.integer({ min: 2000, max: 1e9 }));
  const logged = fc.option(fc.nat({ max: 45 }), { nil: undefined });
  const counters = fc.oneof(logged, rarely(fc.integer({ min: 1100, max: 1200 })));

  it('are each given to a message that says so; none that is there is lost, or that was given is free again', () => {
    fc.assert(
      fc.property(held, damaged, counters, logged, (seqs, far, counter, logged) => {
        const before = far === undefined ? seqs : [...seqs, far];
        store(before);
        const all = [counter, logged].filter((seq) => seq !== undefined);
        const counters = new Map(counter === undefined ? [] : [['c', counter]]);
        const { lost, unconfirmed } = fillGaps(sqlite, { all: new Map([['c', all]]), counters });
        const rows = sqlite.prepare('SELECT id, seq FROM messages ORDER BY seq').all() as { id: string; seq: number }[];
        const lastSeq = Number(sqlite.prepare('SELECT last_seq FROM conversations').pluck().get());
        assert.deepEqual(
          rows.map(({ seq }) => seq),
          rows.map((_, index) => index + 1),
        );
        const stretches = unconfirmed > 0 ? 1 : 0;
        assert.equal(rows.length, before.length + lost + stretches);
        assert.equal(lastSeq, rows.length - stretches + unconfirmed);
        assert.ok(lastSeq >= (counter ?? 0) && lastSeq >= Math.min(counter ?? 0, logged ?? 0));
        for (const seq of before) {
          const kept = rows.find(({ id }) => id === `m${seq}`);
          assert.ok(kept && (kept.seq === seq || seq > 1000));
        }
      }),
    );
  });
});
