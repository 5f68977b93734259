import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { changeHead } from '../changeLog.ts';
import type { Database } from '../database.ts';
import { changeEpoch, ORIGIN_KEY } from '../epoch.ts';
import { makePrivateDirectory, writeWhole } from '../files.ts';
import { withLock } from './lock.ts';
import { putInPlace } from './recover.ts';

/**
 * Saves what an open database holds whose file was removed or replaced: only those who have it open can. When there is
 * no file at its path, it is put back there; when there is another, it is kept beside that one.
 * @returns what was done, in words for the user; undefined when nothing had to be
 * @throws {DevChatError} `busy`, `disk-full`, `read-only`
 */
export async function rescue(db: Database): Promise<string | undefined> {
  makePrivateDirectory(dirname(db.path));
  return withLock(db.path, async () => {
    if (db.isWhole() || isKeptBeside(db) || originOf(db.path) === db.epoch()) return undefined;
    if (existsSync(db.path) && !hasOnlyLostItsLog(db)) return keepBeside(db);
    await putBack(db);
    return 'The chat database was removed while it was open. It was put back, with everything that was saved in it.';
  });
}

/** Whether the file is in place, and its log gone with nobody having begun another. */
function hasOnlyLostItsLog(db: Database): boolean {
  return db.isFile(db.path) && (statSync(`${db.path}-wal`, { throwIfNoEntry: false })?.size ?? 0) === 0;
}

/** Whether the open file only has another name in the same folder now, beside a new file. */
function isKeptBeside(db: Database): boolean {
  if (!existsSync(db.path) || db.isFile(db.path)) return false;
  const directory = dirname(db.path);
  return readdirSync(directory).some((name) => db.isFile(join(directory, name)));
}

function originOf(path: string): string | undefined {
  if (!existsSync(path)) return undefined;
  let sqlite: Sqlite.Database | undefined;
  try {
    sqlite = new Sqlite(path, { readonly: true });
    return String(sqlite.prepare('SELECT value FROM meta WHERE key = ?').pluck().get(ORIGIN_KEY));
  } catch {
    // Not a chat database, or one that cannot be read: whatever it is, it was not made from the open one.
    return undefined;
  } finally {
    sqlite?.close();
  }
}

async function keepBeside(db: Database): Promise<string | undefined> {
  const copy = `${db.path}.replaced-${db.epoch().slice(0, 8)}-${changeHead(db)}`;
  if (existsSync(copy)) return undefined;
  await writeWhole(copy, (unfinished) => db.copyTo(unfinished));
  return `The chat database was replaced by another file while it was open. What it held was kept as ${basename(copy)}.`;
}

/** The copy gets an epoch of its own: the removed file may go on to live elsewhere. */
async function putBack(db: Database): Promise<void> {
  const copy = `${db.path}.rescued`;
  await writeWhole(copy, (unfinished) => db.copyTo(unfinished));
  const sqlite = new Sqlite(copy);
  try {
    sqlite.transaction(() => changeEpoch({ sql: (text) => sqlite.prepare(text) }, db.epoch()))();
  } finally {
    sqlite.close();
  }
  putInPlace(copy, db.path, `${db.path}.replaced-${Date.now()}`);
}
