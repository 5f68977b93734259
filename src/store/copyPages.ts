import Sqlite from 'better-sqlite3';

/** Pages per step of a copy, about 1 MiB: a step takes a millisecond or two. */
const COPY_STEP = 250;

/**
 * Copies a database into a new file without a log, in small steps between which this thread answers others. What is
 * written meanwhile makes it begin anew, unless a read transaction of the source is open.
 */
export async function copyPages(source: Sqlite.Database, path: string): Promise<void> {
  await source.backup(path, { progress: () => COPY_STEP });
  mergeLog(path);
}

/** Makes a database file one that is complete, and read, without a log. */
function mergeLog(path: string): void {
  const sqlite = new Sqlite(path);
  try {
    sqlite.pragma('journal_mode = DELETE');
  } finally {
    sqlite.close();
  }
}
