import Sqlite from 'better-sqlite3';

/** Opens a bare table as durable as the product: what the floors and the rivals write to. */
export function openTable(path: string): Sqlite.Database {
  const sqlite = new Sqlite(path);
  sqlite.pragma('journal_mode = WAL');
  sqlite.pragma('synchronous = FULL');
  sqlite.exec('CREATE TABLE IF NOT EXISTS rows(id INTEGER PRIMARY KEY, text TEXT)');
  return sqlite;
}
