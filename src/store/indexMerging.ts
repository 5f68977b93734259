import type { Database } from './database.ts';

/** Segments of the index that are merged at once, as the schema has it for what the index merges by itself. */
const SEGMENTS = 8;

/** The fewest segments that the index lets be merged at once. */
const FEWEST = 2;

/**
 * Runs what adds much to the search index, inside a write transaction, and then merges as much as that calls for: each
 * page is merged once on each level. Left to itself, the index keeps to the same rule, but only after every 64th page that
 * is added: that transaction takes several times as long as any other, and nobody can write meanwhile.
 * See https://www.sqlite.org/fts5.html#the_automerge_configuration_option
 */
export function mergingEvenly(db: Database, add: () => void): void {
  configure(db, 'automerge', 0);
  const before = readStructure(db);
  add();
  // What was added is a segment of its own before this takes effect.
  configure(db, 'automerge', SEGMENTS);
  const { pages, levels } = readStructure(db);
  // There may be fewer than before where the index had to merge all that it had of one size.
  merge(db, Math.max(0, pages - before.pages) * levels, SEGMENTS);
}

/**
 * Takes a step, inside a write transaction, of putting the search index together anew: until that is done, its older
 * parts hold the words of texts that were removed or changed.
 * @param pages how many are written at most; negative in the first step, which decides what is put together
 * @returns whether there is more to do
 */
export function rewriteSome(db: Database, pages: number): boolean {
  // What others add meanwhile is merged first where it is as many segments as are being put together.
  merge(db, pages, FEWEST);
  return readStructure(db).isMerging;
}

/** Merges up to so many pages where there are so many segments on one level, or a merge was begun before. */
function merge(db: Database, pages: number, segments: number): void {
  configure(db, 'usermerge', segments);
  db.sql(`INSERT INTO message_index(message_index, rank) VALUES ('merge', ?)`).run(pages);
}

/** Sets an option of the index, which is stored in the database: a transaction that is undone undoes it, too. */
function configure(db: Database, option: 'automerge' | 'usermerge', segments: number): void {
  // In the text, because a number that is bound is not an integer to the index.
  db.sql(`INSERT INTO message_index(message_index, rank) VALUES ('${option}', ${segments})`).run();
}

/**
 * Reads what the index is made of. Its record begins with 4 bytes and 3 numbers: of levels, of segments, and one for the
 * index itself. Each level says how many of its segments are being merged and how many it has, and each of these has a
 * name and its first and last page. See `fts5StructureDecode` in https://sqlite.org/src/file/ext/fts5/fts5_index.c
 */
function readStructure(db: Database): { levels: number; pages: number; isMerging: boolean } {
  const record = db.sql('SELECT block FROM message_index_data WHERE id = 10').pluck().get() as Uint8Array;
  const numbers = varints(record.subarray(4));
  const next = () => Number(numbers.next().value);
  const [levels] = [next(), next(), next()];
  let pages = 0;
  let isMerging = false;
  for (let level = 0; level < levels; level++) {
    if (next() > 0) isMerging = true;
    for (let segments = next(); segments > 0; segments--) {
      const [, first, last] = [next(), next(), next()];
      if (last > 0) pages += last - first + 1;
    }
  }
  return { levels, pages, isMerging };
}

/** Numbers in groups of 7 bits, the highest first; all but the last group of each have their top bit set. */
function* varints(bytes: Uint8Array): Generator<number> {
  let value = 0;
  for (const byte of bytes) {
    value = value * 128 + (byte & 127);
    if (byte > 127) continue;
    yield value;
    value = 0;
  }
}
