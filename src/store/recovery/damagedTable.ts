import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type Sqlite from 'better-sqlite3';
import { PAGE_SIZE, type Source } from './damagedFile.ts';

/** A row of any table, by column. */
export type Row = Record<string, unknown> & { rowid: number };

/** Largest distance at which a readable row is looked for behind damage. */
const FARTHEST = 2 ** 52;

/** First byte of a page that holds rows of a table; https://www.sqlite.org/fileformat2.html#b_tree_pages */
const TABLE_LEAF = 0x0d;

/**
 * All rows of a table that can be read. First those that the table leads to; when it is damaged, then also those on any
 * page that may once have been part of it: the caller keeps the first of each, and only what is a row of this table.
 */
export function* readableRows({ sqlite, isSchemaGuessed }: Source, table: string, columns = '*'): Generator<Row> {
  const select = `SELECT rowid AS rowid, ${columns} FROM ${table} WHERE rowid > ? AND rowid < ? ORDER BY rowid`;
  // Prepared once: SQLite adapts them to each root page, which takes a fraction of the time.
  const next = attempt(sqlite, `${select} LIMIT 1`);
  const previous = attempt(sqlite, `${select} DESC LIMIT 1`);
  if (!isSchemaGuessed && (yield* reachableRows(next, previous))) return;
  for (const page of leafPages(sqlite.name)) {
    pretendRoot(sqlite, table, page);
    yield* reachableRows(next, previous);
  }
}

/**
 * Rows ascending where the table is whole. Damage is skipped by looking for a readable row further on, at doubling
 * distances, and then reading back from there.
 * @returns whether nothing was skipped
 */
function* reachableRows(next: Read, previous: Read): Generator<Row, boolean> {
  const after = (low: number) => next(low, Number.MAX_SAFE_INTEGER);
  let last = 0;
  let isWhole = true;
  for (;;) {
    const row = after(last);
    if (row === 'end') return isWhole;
    if (row !== 'damaged') {
      yield row;
      last = row.rowid;
      continue;
    }
    isWhole = false;
    const beyond = firstBeyond(after, last);
    if (!beyond) return isWhole;
    yield beyond;
    for (let row = previous(last, beyond.rowid); typeof row === 'object'; row = previous(last, row.rowid)) yield row;
    last = beyond.rowid;
  }
}

type Read = (low: number, high: number) => Row | 'end' | 'damaged';

/** A query for one row between two row ids that tells the end of a table from damage. */
function attempt(sqlite: Sqlite.Database, sql: string): Read {
  let statement: Sqlite.Statement | undefined;
  return (low, high) => {
    try {
      statement ??= sqlite.prepare(sql);
      const row = statement.get(low, high) as Row | undefined;
      if (!row) return 'end';
      // A page that is out of order would lead in circles.
      return row.rowid > low && row.rowid < high ? row : 'damaged';
    } catch {
      // Whatever SQLite says of it, this row is not to be had; the caller counts what is missing.
      return 'damaged';
    }
  };
}

function firstBeyond(after: (low: number) => ReturnType<Read>, last: number): Row | undefined {
  for (let distance = 1; distance <= FARTHEST; distance *= 2) {
    const row = after(last + distance);
    if (typeof row === 'object') return row;
    if (row === 'end') return undefined;
  }
  return undefined;
}

/** Numbers, from 1, of the pages that look like rows of some table. */
function leafPages(path: string): number[] {
  const file = openSync(path, 'r');
  const type = Buffer.alloc(1);
  const count = Math.floor(fstatSync(file).size / PAGE_SIZE);
  const pages: number[] = [];
  for (let page = 2; page <= count; page++) {
    readSync(file, type, 0, 1, (page - 1) * PAGE_SIZE);
    if (type[0] === TABLE_LEAF) pages.push(page);
  }
  closeSync(file);
  return pages;
}

/** Makes SQLite take one page for the whole table. */
function pretendRoot(sqlite: Sqlite.Database, table: string, page: number): void {
  sqlite.unsafeMode(true);
  // Not prepared: each change of the schema visits all statements that were not collected yet.
  sqlite.exec(
    `PRAGMA writable_schema = ON;
     UPDATE sqlite_schema SET rootpage = ${page} WHERE type = 'table' AND name = '${table}';
     PRAGMA writable_schema = RESET`,
  );
  sqlite.unsafeMode(false);
}
