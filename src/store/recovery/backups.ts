import { chmodSync, readdirSync, renameSync, rmSync, statfsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { changeHead } from '../changeLog.ts';
import type { Database } from '../database.ts';
import { makePrivateDirectory } from '../files.ts';

/** How old the newest backup is at least before another is taken, in ms. */
const INTERVAL = 6 * 3_600_000;

/** How many backups are kept, and how many bytes they may have together; the newest is kept whatever its size. */
const MAX_COUNT = 5;
const MAX_BYTES = 1 << 30;

/** Free space that a backup leaves, as a multiple of the database's size. */
const RESERVE = 2;

/** A copy of a database as it was at one moment. */
export interface Backup {
  path: string;
  /** Unix time in ms, to the second. */
  takenAt: number;
  /** Newest change in it. */
  changeId: number;
  bytes: number;
}

const backupDirectory = (databasePath: string) => join(dirname(databasePath), 'backups');

/** The backups of a database, newest first. */
export function listBackups(databasePath: string): Backup[] {
  const directory = backupDirectory(databasePath);
  if (!statSync(directory, { throwIfNoEntry: false })?.isDirectory()) return [];
  return readdirSync(directory)
    .flatMap((name) => toBackup(join(directory, name)) ?? [])
    .sort((a, b) => b.takenAt - a.takenAt || b.changeId - a.changeId);
}

/**
 * Takes a backup, when the newest one is old and something has changed since, and removes what is then too much.
 * Others go on reading and writing meanwhile.
 * @param now Unix time in ms
 * @returns the backup that was taken, if one was due and the disk has room for it
 */
export async function backUpIfDue(db: Database, now: number): Promise<Backup | undefined> {
  const [newest] = listBackups(db.path);
  const changeId = db.read(() => changeHead(db));
  // A clock that was set back must not keep backups away for long.
  const age = Math.abs(now - (newest?.takenAt ?? 0));
  if (changeId === 0 || newest?.changeId === changeId || age < INTERVAL || !hasRoom(db.path)) return undefined;
  const directory = backupDirectory(db.path);
  makePrivateDirectory(directory);
  const unfinished = join(directory, `unfinished-${process.pid}`);
  try {
    await db.copyTo(unfinished);
    chmodSync(unfinished, 0o600);
    renameSync(unfinished, join(directory, backupName(now, changeId)));
  } finally {
    rmSync(unfinished, { force: true });
  }
  const backups = listBackups(db.path);
  removeOldest(backups);
  return backups[0];
}

function hasRoom(databasePath: string): boolean {
  const { bavail, bsize } = statfsSync(dirname(databasePath));
  return bavail * bsize > RESERVE * statSync(databasePath).size;
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
