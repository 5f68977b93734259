import { existsSync, lstatSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { DevChatError, hasReason } from '../../protocol/errors.ts';
import { changeHead, skipChangeIds } from '../changeLog.ts';
import { Database } from '../database.ts';
import { changeEpoch } from '../epoch.ts';
import { listBackups, setBackupsAside } from './backups.ts';
import { type Mark, readMark } from './highWaterMark.ts';
import { isBeingRecovered, recover } from './recover.ts';

/** How often a database is opened, with what is wrong mended in between, before it is given up. */
const MAX_ATTEMPTS = 4;

/** An open history, and what the user must know of how it was found. */
export interface OpenedHistory {
  db: Database;
  notices: string[];
}

/**
 * Opens a workspace's database as {@link Database.open} does, and recovers one that is damaged, half recovered, or
 * has lost what it had acknowledged.
 * @param tell told, in words for the user, when a recovery begins, which may take long
 * @throws {DevChatError} see {@link Database.open}; `newer-database` also when only a newer version can recover it
 */
export async function openHistory(path: string, tell?: (text: string) => void): Promise<OpenedHistory> {
  const file = behindLink(path);
  const notices: string[] = [];
  let settled: string | undefined;
  const mend = async () => {
    const report = await recover(file, tell);
    if (report) notices.push(report);
  };
  if (isBeingRecovered(file) || isEmptied(file)) await mend();
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    let db: Database;
    try {
      db = await Database.open(file);
    } catch (error) {
      if (!isDamageOfOurs(error, file) || attempt === MAX_ATTEMPTS) throw error;
      await mend();
      continue;
    }
    // Looked for again now: whoever recovers leaves its marker before it moves anything.
    if (isBeingRecovered(file)) {
      await db.close();
      await mend();
      continue;
    }
    const loss = await lossOfOpen(db);
    // Where the mark cannot be written, the same is found again.
    if (!loss || loss.text === settled) return { db, notices };
    try {
      const notice = await settle(db, loss);
      if (notice) notices.push(notice);
      settled = loss.text;
    } catch (error) {
      // Another window has settled it, and given it another epoch.
      if (!hasReason(error, 'database-replaced')) throw error;
    } finally {
      await db.close();
    }
  }
  throw new DevChatError('busy', `The chat database ${file} is being repaired again and again. Try again later.`);
}

/** The file that a link leads to: SQLite keeps the log beside that. */
function behindLink(path: string): string {
  // What is wrong with a path that does not exist, opening it tells.
  if (!existsSync(path)) return path;
  return lstatSync(path).isSymbolicLink() ? realpathSync(path) : path;
}

/** A file of no length where changes were acknowledged: SQLite would take it for a new database. */
function isEmptied(path: string): boolean {
  return existsSync(path) && statSync(path).size === 0 && (readMark(path)?.changeId ?? 0) > 0;
}

/** Whether a file that cannot be opened is what became of a chat database; another program's file is left alone. */
function isDamageOfOurs(error: unknown, path: string): boolean {
  return hasReason(error, 'corrupt', 'bad-request') && readMark(path) !== undefined;
}

/** What a database has lost by the word of the mark beside it. */
interface Loss {
  mark: Mark;
  /** Whether nothing at all of the marked database is left. */
  isWhole: boolean;
  text: string;
}

/** As {@link lossOf}, of a database that is closed when it cannot be read. */
async function lossOfOpen(db: Database): Promise<Loss | undefined> {
  try {
    return lossOf(db);
  } catch (error) {
    await db.close();
    throw error;
  }
}

/** Compares a database with the mark beside it. One that goes on from the marked one has lost nothing. */
function lossOf(db: Database): Loss | undefined {
  const mark = readMark(db.path);
  if (!mark || db.readOnlyReason) return undefined;
  const head = db.read(() => changeHead(db));
  if (mark.dbEpoch !== db.epoch()) {
    if (head > 0 || mark.changeId === 0) return undefined;
    const text = 'The chat history that was kept here is gone: its file was removed while no window was open.';
    return { mark, isWhole: true, text };
  }
  if (head >= mark.changeId) return undefined;
  const text =
    `The chat database has lost its newest ${mark.changeId - head} changes: its write-ahead log was removed, or an ` +
    'older copy was put in its place.';
  return { mark, isWhole: false, text };
}

/**
 * Settles what is missing. A database that has lost something gets another epoch, so that every copy of it is checked
 * anew; it is to be opened again then. Backups of one that is gone must not be taken for those of its successor.
 * @returns what to tell the user; undefined when another window has settled it
 */
async function settle(db: Database, { mark, isWhole, text }: Loss): Promise<string | undefined> {
  const isMine = await db.write(() => {
    if (lossOf(db)?.text !== text) return false;
    if (isWhole) return true;
    db.sql('DELETE FROM change_log').run();
    skipChangeIds(db, mark.changeId);
    changeEpoch(db, mark.dbEpoch);
    return true;
  });
  if (!isMine) return undefined;
  const [backup] = listBackups(db.path);
  if (!backup) return text;
  const directory = isWhole ? setBackupsAside(db.path, mark.dbEpoch) : dirname(backup.path);
  return `${text} The newest backup is ${join(directory, basename(backup.path))}.`;
}
