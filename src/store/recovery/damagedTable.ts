import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type Sqlite from 'better-sqlite3';
import { PAGE_SIZE, type Source } from './damagedFile.ts';

/** A row of any table, by column. */
export type Row = Record<string, unknown> & { rowid: number };

/** Largest distance at which a readable row is looked for behind damage. */
const FARTHEST = 2 ** 52;

/** First byte of a page that holds rows of a table; https://www.sqlite.org/fileformat2.html#b_tree_pages */
const TABLE_LEAF = 0x0d;

/** Where such a page counts its rows, and where it begins to say at which byte each of them is. */
const CELL_COUNT = 3;
const CELL_POINTERS = 8;

/**
 * All rows of a table that can be read. First those that the table leads to; when it is damaged, then also those on any
 * page that may once have been part of it: the caller keeps the first of each, and only what is a row of this table.
 */
export function* readableRows(source: Source, table: string, columns = '*'): Generator<Row> {
  const { sqlite, isSchemaGuessed } = source;
  // Prepared once: SQLite adapts them to each root page, which takes a fraction of the time.
  const reads = readsOf(sqlite, table, columns);
  const read = new Set<number>();
  if (!isSchemaGuessed && (yield* noting(reachableRows(reads), read))) return;
  for (const page of leafPages(sqlite.name, read)) {
    pretendRoot(sqlite, table, page);
    yield* reachableRows(reads);
  }
}

/**
 * The rows of a table that it leads to itself. Of one that is ordered by texts, those between two damaged pages are not
 * found: there is no looking further on by doubling distances.
 * @returns whether that is all of them
 */
export function* ownRows({ sqlite }: Source, table: string): Generator<Record<string, unknown>, boolean> {
  const keys = sqlite.prepare(
    `SELECT c.name FROM pragma_table_list t JOIN pragma_table_info(t.name) c
     WHERE t.schema = 'main' AND t.name = ? AND t.wr AND c.pk ORDER BY c.pk`,
  );
  const key = keys.pluck().all(table) as string[];
  if (key.length === 0) return yield* reachableRows(readsOf(sqlite, table, '*'));
  const select = `SELECT * FROM ${table} ORDER BY`;
  if (yield* untilDamage(sqlite, `${select} ${key.join(', ')}`)) return true;
  yield* untilDamage(sqlite, `${select} ${key.map((column) => `${column} DESC`).join(', ')}`);
  return false;
}

function* noting(rows: Generator<Row, boolean>, read: Set<number>): Generator<Row, boolean> {
  let next = rows.next();
  for (; !next.done; next = rows.next()) {
    read.add(next.value.rowid);
    yield next.value;
  }
  return next.value;
}

/** Rows up to the first that cannot be read; returns whether there was none such. */
function* untilDamage(sqlite: Sqlite.Database, sql: string): Generator<Record<string, unknown>, boolean> {
  try {
    for (const row of sqlite.prepare(sql).iterate()) yield row as Record<string, unknown>;
    return true;
  } catch {
    return false;
  }
}

/** Rows between two row ids, both exclusive. */
interface Reads {
  /** The first of them. */
  first(low: number, high: number): Row | 'end' | 'damaged';
  /** All up to the first that cannot be read; returns whether there was none such. */
  upwards(low: number, high: number): Generator<Row, boolean>;
  downwards(low: number, high: number): Generator<Row, boolean>;
}

function readsOf(sqlite: Sqlite.Database, table: string, columns: string): Reads {
  const select = `SELECT rowid AS rowid, ${columns} FROM ${table} WHERE rowid > ? AND rowid < ? ORDER BY rowid`;
  const upwards = runs(sqlite, select, (row, before) => row.rowid > before);
  return {
    upwards,
    downwards: runs(sqlite, `${select} DESC`, (row, before) => row.rowid < before),
    first: (low, high) => {
      const rows = upwards(low, high);
      const { done, value } = rows.next();
      if (!done) rows.return(true);
      return done ? (value ? 'end' : 'damaged') : value;
    },
  };
}

/** A query between two row ids that tells the end of a table from damage. */
function runs(sqlite: Sqlite.Database, sql: string, follows: (row: Row, before: number) => boolean): Reads['upwards'] {
  let statement: Sqlite.Statement | undefined;
  return function* (low, high) {
    try {
      statement ??= sqlite.prepare(sql);
      let before: number | undefined;
      for (const row of statement.iterate(low, high) as Iterable<Row>) {
        // A page that is out of order would lead in circles.
        if (row.rowid <= low || row.rowid >= high || (before !== undefined && !follows(row, before))) return false;
        before = row.rowid;
        yield row;
      }
      return true;
    } catch {
      // Whatever SQLite says of it, this row is not to be had; the caller counts what is missing.
      return false;
    }
  };
}

/**
 * Rows ascending where the table is whole. Damage is skipped by looking for a readable row further on, at doubling
 * distances, and then reading back from there.
 * @returns whether nothing was skipped
 */
function* reachableRows({ first, upwards, downwards }: Reads): Generator<Row, boolean> {
  let last = 0;
  let isWhole = true;
  for (;;) {
    const rows = upwards(last, Number.MAX_SAFE_INTEGER);
    let next = rows.next();
    for (; !next.done; next = rows.next()) {
      yield next.value;
      last = next.value.rowid;
    }
    if (next.value) return isWhole;
    isWhole = false;
    const beyond = firstBeyond((low) => first(low, Number.MAX_SAFE_INTEGER), last);
    if (!beyond) return isWhole;
    yield beyond;
    yield* downwards(last, beyond.rowid);
    last = beyond.rowid;
  }
}

function firstBeyond(after: (low: number) => ReturnType<Reads['first']>, last: number): Row | undefined {
  for (let distance = 1; distance <= FARTHEST; distance *= 2) {
    const row = after(last + distance);
    if (typeof row === 'object') return row;
    if (row === 'end') return undefined;
  }
  return undefined;
}

/** Numbers, from 1, of the pages that look like rows of some table, without those that only have row ids read already. */
function* leafPages(path: string, read: ReadonlySet<number>): Generator<number> {
  const file = openSync(path, 'r');
  try {
    const content = Buffer.alloc(PAGE_SIZE);
    const count = Math.floor(fstatSync(file).size / PAGE_SIZE);
    for (let page = 2; page <= count; page++) {
      readSync(file, content, 0, PAGE_SIZE, (page - 1) * PAGE_SIZE);
      if (content[0] === TABLE_LEAF && !rowIds(content).every((id) => read.has(id))) yield page;
    }
  } finally {
    closeSync(file);
  }
}

/** Row ids on a page of rows; of a damaged page, whatever is where they should be. */
function rowIds(page: Buffer): number[] {
  const count = Math.min(page.readUInt16BE(CELL_COUNT), (PAGE_SIZE - CELL_POINTERS) / 2);
  return Array.from({ length: count }, (_, cell) => {
    const length = readVarint(page, page.readUInt16BE(CELL_POINTERS + 2 * cell));
    return readVarint(page, length.end).value;
  });
}

/** A number in SQLite's variable length, of which each byte but the last has its highest bit set. */
function readVarint(page: Buffer, start: number): { value: number; end: number } {
  let value = 0;
  let end = start;
  for (;;) {
    const byte = page[end++] ?? 0;
    value = value * 128 + (byte & 0x7f);
    if (byte < 0x80) return { value, end };
  }
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
