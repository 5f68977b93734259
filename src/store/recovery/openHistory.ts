import { randomUUID } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { DevChatError } from '../../protocol/errors.ts';
import { changeHead, skipChangeIds } from '../changeLog.ts';
import { Database } from '../database.ts';
import { listBackups } from './backups.ts';
import { readMark } from './highWaterMark.ts';
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
 * @throws {DevChatError} see {@link Database.open}
 */
export async function openHistory(path: string): Promise<OpenedHistory> {
  const notices: string[] = [];
  const mended = async () => {
    const report = await recover(path);
    if (report) notices.push(report);
  };
  if (isBeingRecovered(path) || isEmptied(path)) await mended();
  for (let attempt = 1; ; attempt++) {
    let db: Database;
    try {
      db = await Database.open(path);
    } catch (error) {
      if (!isDamageOfOurs(error, path) || attempt === MAX_ATTEMPTS) throw error;
      await mended();
      continue;
    }
    // Looked for again now: whoever recovers leaves its marker before it moves anything.
    if (isBeingRecovered(path)) {
      await db.close();
      await mended();
      continue;
    }
    const loss = await admitLoss(db);
    if (loss === undefined) return { db, notices };
    notices.push(loss);
    await db.close();
  }
}

/** A file of no length where changes were acknowledged: SQLite would take it for a new database. */
function isEmptied(path: string): boolean {
  return existsSync(path) && statSync(path).size === 0 && (readMark(path)?.changeId ?? 0) > 0;
}

/** Whether a file that cannot be opened is what became of a chat database; another program's file is left alone. */
function isDamageOfOurs(error: unknown, path: string): boolean {
  if (!(error instanceof DevChatError)) return false;
  return (error.reason === 'corrupt' || error.reason === 'bad-request') && readMark(path) !== undefined;
}

/**
 * Compares the database with the mark beside it, and settles what is missing: a database that has lost something gets
 * another epoch, so that every copy of it is checked anew.
 * @returns what was lost, in words for the user; the database is to be opened again then
 */
async function admitLoss(db: Database): Promise<string | undefined> {
  const mark = readMark(db.path);
  if (!mark || db.readOnlyReason) return undefined;
  const head = db.read(() => changeHead(db));
  const [backup] = listBackups(db.path);
  const where = backup ? ` The newest backup is ${backup.path}.` : '';
  if (mark.dbEpoch !== db.epoch()) {
    if (head > 0 || mark.changeId === 0) return undefined;
    // Any write raises the mark of the new database in place of the old one's.
    await db.probe();
    return `The chat history that was kept here is gone: its file was removed while no window was open.${where}`;
  }
  if (head >= mark.changeId) return undefined;
  await db.write(() => {
    db.sql('DELETE FROM change_log').run();
    skipChangeIds(db, mark.changeId);
    db.sql(`UPDATE meta SET value = ? WHERE key = 'db_epoch'`).run(randomUUID());
  });
  return (
    `The chat database has lost its newest ${mark.changeId - head} changes: its write-ahead log was removed, or an ` +
    `older copy was put in its place.${where}`
  );
}
