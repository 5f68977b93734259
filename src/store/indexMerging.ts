import type { Database } from './database.ts';

/** Segments of the index that are merged at once, as the schema has it for what the index merges by itself. */
const SEGMENTS = 8;

/**
 * Runs what adds much to the search index, inside a write transaction, and then merges up to so many pages of it. Left
 * to itself, the index merges after every 64th page that is added to it, and then 64 pages of each of its levels: that
 * transaction takes several times as long as any other, and nobody can write meanwhile.
 * See https://www.sqlite.org/fts5.html#the_automerge_configuration_option
 */
export function mergingEvenly<T>(db: Database, pages: number, add: () => T): T {
  configure(db, 'automerge', 0);
  const result = add();
  // What was added is a segment of its own before this takes effect.
  configure(db, 'automerge', SEGMENTS);
  configure(db, 'usermerge', SEGMENTS);
  db.sql(`INSERT INTO message_index(message_index, rank) VALUES ('merge', ?)`).run(pages);
  return result;
}

/** Sets an option of the index, which is stored in the database: a transaction that is undone undoes it, too. */
function configure(db: Database, option: 'automerge' | 'usermerge', segments: number): void {
  // In the text, because a number that is bound is not an integer to the index.
  db.sql(`INSERT INTO message_index(message_index, rank) VALUES ('${option}', ${segments})`).run();
}
