import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { Database } from '../../../src/store/database.ts';
import { mergingEvenly, rewriteSome } from '../../../src/store/indexMerging.ts';
import { Random } from '../../support/random.ts';
import { useTempDirectory } from '../../support/tempDirectory.ts';

const TRANSACTIONS = 300;
/** Texts per transaction, and words per text. */
const TEXTS = 20;
const WORDS = 100;

/** How many segments there may be where they are merged; else there are as many as transactions. */
const MOST = 40;

describe('merging the search index', () => {
  const directory = useTempDirectory();

  async function open(name: string): Promise<Database> {
    const db = await Database.open(join(directory.path, name, 'chat.db'), () => []);
    directory.defer(() => db.close());
    db.sql('PRAGMA wal_autocheckpoint = 0').get();
    // Else the index merges all that it has of one size when that is too much.
    configure(db, 'crisismerge', 1000);
    return db;
  }

  function configure(db: Database, option: string, segments: number): void {
    db.sql(`INSERT INTO message_index(message_index, rank) VALUES ('${option}', ${segments})`).run();
  }

  const segments = (db: Database) =>
    Number(db.sql('SELECT count(DISTINCT segid) FROM message_index_idx').pluck().get());

  /**
   * Fills the index in many transactions.
   * @returns the bytes that the largest of them wrote, and how many segments there were at most
   */
  async function fill(db: Database, write: (add: () => void) => void): Promise<{ largest: number; most: number }> {
    const random = new Random(1, 'words');
    const add = db.sql('INSERT INTO message_index(rowid, content) VALUES (?, ?)');
    const addSome = (first: number) => {
      for (let text = 0; text < TEXTS; text++) {
        add.run(first + text, Array.from({ length: WORDS }, () => `word${random.whole(1, 50_000)}`).join(' '));
      }
    };
    const size = () => statSync(`${db.path}-wal`).size;
    let [largest, most] = [0, 0];
    for (let count = 0; count < TRANSACTIONS; count++) {
      const before = size();
      await db.write(() => write(() => addSome(1 + count * TEXTS)));
      largest = Math.max(largest, size() - before);
      most = Math.max(most, segments(db));
    }
    return { largest, most };
  }

  it('is done a little at a time', async () => {
    const [alone, db] = [await open('alone'), await open('evenly')];
    const { largest: largestAlone } = await fill(alone, (add) => add());
    const { largest, most } = await fill(db, (add) => mergingEvenly(db, add));
    assert.ok(largest < largestAlone / 2, `${largest} bytes in one transaction, and ${largestAlone} without`);
    assert.ok(most <= MOST, `${most} segments`);
    db.sql(`INSERT INTO message_index(message_index) VALUES ('integrity-check')`).run();
  });

  it('does not take in all there is where the index had too much of one size', async () => {
    const db = await open('crisis');
    configure(db, 'crisismerge', 16);
    configure(db, 'automerge', 0);
    const words = Array.from({ length: 3000 }, (_, number) => `word${number}`).join(' ');
    const add = (row: number) => db.sql('INSERT INTO message_index(rowid, content) VALUES (?, ?)').run(row, words);
    for (let row = 1; row <= 16 + 15; row++) await db.write(() => add(row));
    assert.equal(segments(db), 1 + 15);
    await db.write(() => mergingEvenly(db, () => add(32)));
    assert.equal(segments(db), 1 + 1);
  });

  it('goes on by itself in other transactions, also when one was undone before', async () => {
    const db = await open('left');
    await db.write(() => mergingEvenly(db, () => undefined));
    const undone = db.write(() =>
      mergingEvenly(db, () => {
        throw new Error('undone');
      }),
    );
    await assert.rejects(undone, /undone/);
    const { most } = await fill(db, (add) => add());
    assert.ok(most <= MOST, `${most} segments`);
  });

  it('leaves no word that was removed when it is done anew, whatever is added meanwhile', async () => {
    const db = await open('anew');
    const change = async (sql: string, ...values: unknown[]) => {
      await db.write(() => db.sql(`INSERT INTO message_index${sql}`).run(...values));
    };
    const words = Array.from({ length: 3000 }, (_, number) => `word${number}`).join(' ');
    const secret = `${words} zzz-secret`;
    await change('(rowid, content) VALUES (1, ?)', secret);
    for (let row = 2; row <= 8; row++) await change('(rowid, content) VALUES (?, ?)', row, words);
    // One segment on a level of its own, so that what is added later stands on a lower one than what is put together.
    await change(`(message_index) VALUES ('optimize')`);
    configure(db, 'automerge', 0);
    for (let row = 9; row <= 12; row++) await change('(rowid, content) VALUES (?, ?)', row, words);
    await change(`(message_index, rowid, content) VALUES ('delete', 1, ?)`, secret);
    assert.ok(await db.write(() => rewriteSome(db, -1)));
    // More than are being put together.
    for (let row = 13; row < 20; row++) await change('(rowid, content) VALUES (?, ?)', row, 'more');
    for (let step = 1; await db.write(() => rewriteSome(db, 1)); step++) assert.ok(step < 1000, 'it comes to no end');
    const blocks = db.sql('SELECT block FROM message_index_data').pluck().all() as Buffer[];
    assert.equal(blocks.filter((block) => block.includes('secret')).length, 0);
    db.sql(`INSERT INTO message_index(message_index) VALUES ('integrity-check')`).run();
  });
});
