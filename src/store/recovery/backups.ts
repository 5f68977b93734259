import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync, statfsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type Sqlite from 'better-sqlite3';
import { DevChatError } from '../../protocol/errors.ts';
import { changeHead } from '../changeLog.ts';
import { copyPages } from '../copyPages.ts';
import type { Database } from '../database.ts';
import { makePrivateDirectory, UNFINISHED, writeWhole } from '../files.ts';
import { startStoreThread } from '../startStoreThread.ts';
import type { FromStoreThread, ToStoreThread } from '../storeThread.ts';
import { isSoundFile } from './damagedFile.ts';

/** How old the newest backup is at least before another is taken, in ms. */
const INTERVAL = 6 * 3_600_000;

/** How many backups are kept, and how many bytes they may have together; the newest is kept whatever its size. */
const MAX_COUNT = 5;
const MAX_BYTES = 1 << 30;

/** Free space that there must be for a backup, as a multiple of the size of the database and its log. */
const ROOM = 2;

/** A copy of a database as it was at one moment. */
export interface Backup {
  path: string;
  /** Unix time in ms, to the second. */
  takenAt: number;
  /** Newest change in it. */
  changeId: number;
  bytes: number;
}

const backupDirectory = (databasePath: string) => `${databasePath}.backups`;

/** The backups of a database, newest first, whatever the clock said. */
export function listBackups(databasePath: string): Backup[] {
  const directory = backupDirectory(databasePath);
  if (!statSync(directory, { throwIfNoEntry: false })?.isDirectory()) return [];
  return readdirSync(directory)
    .flatMap((name) => toBackup(join(directory, name)) ?? [])
    .sort((a, b) => b.changeId - a.changeId || b.takenAt - a.takenAt);
}

/** The newest backup from which everything can be read. */
export function newestSoundBackup(databasePath: string): Backup | undefined {
  return listBackups(databasePath).find(({ path }) => isSoundFile(path));
}

/**
 * Takes a backup, when the newest one is old and something has changed since, and removes what is then too much.
 * Others go on reading and writing meanwhile, and this thread answers them: of a large database, all takes seconds.
 * @param now Unix time in ms
 * @returns the backup that was taken, if one was due and the disk has room for it
 * @throws {DevChatError} `corrupt` when the database turned out to be damaged; then no backup was removed
 */
export async function backUpIfDue(db: Database, now: number): Promise<Backup | undefined> {
  const [newest] = listBackups(db.path);
  const changeId = db.read(() => changeHead(db));
  // A clock that was set back must not keep backups away for long.
  const age = Math.abs(now - (newest?.takenAt ?? 0));
  if (changeId === 0 || newest?.changeId === changeId || age < INTERVAL || !hasRoom(db.path)) return undefined;
  // Another file that took its place has backups of its own, and one that was emptied holds nothing.
  if (!db.isOpenToOthers()) return undefined;
  const directory = backupDirectory(db.path);
  makePrivateDirectory(directory);
  removeUnfinished(directory);
  await takeBackupInThread(db.path, now);
  const backups = listBackups(db.path);
  removeOldest(backups);
  return backups[0];
}

async function takeBackupInThread(databasePath: string, now: number): Promise<void> {
  const thread = startStoreThread(databasePath);
  const answers: FromStoreThread[] = [];
  thread.on('message', (answer: FromStoreThread) => answers.push(answer));
  thread.postMessage({ task: 'backUp', now } satisfies ToStoreThread);
  thread.postMessage({ task: 'end' } satisfies ToStoreThread);
  await once(thread, 'exit');
  for (const { problem } of answers) if (problem) throw new DevChatError(problem.reason, problem.message);
}

/**
 * Takes a backup of the database at a path into its folder, which exists, and checks it. Blocks its thread for long.
 * @param sqlite a connection to it that nobody else uses
 * @throws {DevChatError} `corrupt` when the copy is damaged; errors of SQLite
 */
export async function takeBackup(sqlite: Sqlite.Database, databasePath: string, now: number): Promise<void> {
  sqlite.exec('BEGIN');
  try {
    // From this look on, one snapshot holds for the whole copy.
    const changeId = changeHead({ sql: (text) => sqlite.prepare(text) });
    await writeWhole(join(backupDirectory(databasePath), backupName(now, changeId)), async (unfinished) => {
      await copyPages(sqlite, unfinished);
      if (isSoundFile(unfinished)) return;
      throw new DevChatError(
        'corrupt',
        `The chat database ${databasePath} is damaged: its copy is. Nothing was deleted.`,
      );
    });
  } finally {
    // Some errors end it.
    if (sqlite.inTransaction) sqlite.exec('COMMIT');
  }
}

/**
 * Makes a directory for this user alone, for a copy that is needed for a moment. Beside the database, because there is
 * room for it, and because what one who was killed leaves there goes with the next backup.
 */
export function makeScratchDirectory(databasePath: string): string {
  const directory = backupDirectory(databasePath);
  makePrivateDirectory(directory);
  return mkdtempSync(join(directory, `scratch${UNFINISHED}-`));
}

/** Removes what those who were killed have left: files with the journals beside them, and copies. */
function removeUnfinished(directory: string): void {
  for (const name of readdirSync(directory)) {
    if (name.includes(UNFINISHED)) rmSync(join(directory, name), { force: true, recursive: true });
  }
}

function hasRoom(databasePath: string): boolean {
  const { bavail, bsize } = statfsSync(dirname(databasePath));
  const size = (path: string) => statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  return bavail * bsize > ROOM * (size(databasePath) + size(`${databasePath}-wal`));
}

/** Keeps the backups of a database that is gone apart from those of the one that takes its place. */
export function setBackupsAside(databasePath: string, dbEpoch: string): string {
  const aside = `${databasePath}.removed-${dbEpoch.slice(0, 8)}.backups`;
  const directory = backupDirectory(databasePath);
  if (existsSync(directory) && !existsSync(aside)) renameSync(directory, aside);
  return aside;
}

function removeOldest(backups: readonly Backup[]): void {
  let bytes = 0;
  for (const [index, backup] of backups.entries()) {
    bytes += backup.bytes;
    if (index > 0 && (index >= MAX_COUNT || bytes > MAX_BYTES)) rmSync(backup.path, { force: true });
  }
}

function backupName(now: number, changeId: number): string {
  return `chat-${new Date(now).toISOString().replace(/\.\d+/, '').replaceAll(':', '')}-${changeId}.db`;
}

function toBackup(path: string): Backup | undefined {
  const [, day, hour, minute, second, changeId] =
    /chat-(\d{4}-\d\d-\d\d)T(\d\d)(\d\d)(\d\d)Z-(\d+)\.db$/.exec(path) ?? [];
  const stats = statSync(path, { throwIfNoEntry: false });
  if (day === undefined || !stats) return undefined;
  return {
    path,
    takenAt: Date.parse(`${day}T${hour}:${minute}:${second}Z`),
    changeId: Number(changeId),
    bytes: stats.size,
  };
}
