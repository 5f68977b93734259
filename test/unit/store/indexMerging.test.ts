import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { Database } from '../../../src/store/database.ts';
import { mergingEvenly } from '../../../src/store/indexMerging.ts';
import { Random } from '../../support/random.ts';
import { useTempDirectory } from '../../support/tempDirectory.ts';

const TRANSACTIONS = 300;
/** Texts per transaction, and words per text. */
const TEXTS = 20;
const WORDS = 100;

/** How many segments there may be; without merging there are as many as transactions. */
const MOST = 40;

describe('merging the search index', () => {
  const directory = useTempDirectory();

  async function open(name: string): Promise<Database> {
    const db = await Database.open(join(directory.path, name, 'chat.db'), () => []);
    directory.defer(() => db.close());
    return db;
  }

  const segments = (db: Database) =>
    Number(db.sql('SELECT count(DISTINCT segid) FROM message_index_idx').pluck().get());

  /**
   * Fills the index in many transactions.
   * @returns the bytes that the largest of them wrote, and how many segments there were at most
   */
  async function fill(db: Database, write: (add: () => void) => void): Promise<{ largest: number; most: number }> {
    db.sql('PRAGMA wal_autocheckpoint = 0').get();
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
    const { largest, most } = await fill(db, (add) => mergingEvenly(db, TEXTS, add));
    assert.ok(largest < largestAlone / 3, `${largest} bytes in one transaction, and ${largestAlone} without`);
    assert.ok(most <= MOST, `${most} segments`);
    db.sql(`INSERT INTO message_index(message_index) VALUES ('integrity-check')`).run();
  });

  it('goes on by itself in other transactions, also when one was undone before', async () => {
    const db = await open('left');
    await db.write(() => mergingEvenly(db, TEXTS, () => undefined));
    const undone = db.write(() =>
      mergingEvenly(db, TEXTS, () => {
        throw new Error('undone');
      }),
    );
    await assert.rejects(undone, /undone/);
    db.sql(`INSERT INTO message_index(message_index, rank) VALUES ('crisismerge', 1000)`).run();
    const { most } = await fill(db, (add) => add());
    assert.ok(most <= MOST, `${most} segments`);
  });
});
