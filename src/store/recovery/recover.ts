import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import Sqlite from 'better-sqlite3';
import { skipChangeIds } from '../changeLog.ts';
import { migrate } from '../migrate.ts';
import { listBackups } from './backups.ts';
import { isDamaged, openCopy, removeCopy, syncFile, unsafeButFast } from './damagedFile.ts';
import { readMark } from './highWaterMark.ts';
import { withLock } from './lock.ts';
import { type Salvage, salvage } from './salvage.ts';

const markerPath = (path: string) => `${path}.recovering`;

/** Whether a database is being recovered, or a recovery was interrupted: the file at its path counts for nothing. */
export function isBeingRecovered(path: string): boolean {
  return existsSync(markerPath(path));
}

/**
 * Replaces a damaged database by one with everything that can still be read; the damaged file is kept beside it.
 * Whoever has the damaged file open can acknowledge nothing from the first step on. What was interrupted is carried
 * on by the next call.
 * @returns what was done, in words for the user; undefined when the database is not damaged (any more)
 * @throws {DevChatError} `busy`, `disk-full`, `read-only`
 */
export function recover(path: string): Promise<string | undefined> {
  return withLock(path, () => {
    const aside = interrupted(path) ?? (isDamaged(path) ? `${path}.damaged-${Date.now()}` : undefined);
    if (aside === undefined) return undefined;
    writeFileSync(markerPath(path), aside, { mode: 0o600 });
    setAside(path, aside);
    const rebuilt = `${path}.rebuilt`;
    const report = rebuild(path, aside, rebuilt);
    putInPlace(rebuilt, path, `${aside}.late`);
    writeFileSync(`${aside}.txt`, `${report}\n`, { mode: 0o600 });
    rmSync(markerPath(path));
    return report;
  });
}

function interrupted(path: string): string | undefined {
  return isBeingRecovered(path) ? readFileSync(markerPath(path), 'utf8') : undefined;
}

/** Moves the database away, its log first: without it nothing is acknowledged, and without the file it means nothing. */
function setAside(path: string, aside: string): void {
  if (existsSync(aside)) return;
  if (!existsSync(`${aside}-wal`)) moveIfThere(`${path}-wal`, `${aside}-wal`);
  moveIfThere(`${path}-shm`, `${aside}-shm`);
  renameSync(path, aside);
}

/**
 * Gives a file the name of the database. A log that still has the name of the database's log belongs to a file that
 * was there before; SQLite would take it for the new one's.
 */
export function putInPlace(file: string, path: string, logAside: string): void {
  syncFile(file);
  for (const suffix of ['-wal', '-shm']) moveIfThere(path + suffix, logAside + suffix);
  renameSync(file, path);
}

function moveIfThere(from: string, to: string): void {
  if (existsSync(from)) renameSync(from, to);
}

/** Builds the new database in a file of its own; returns the report. */
function rebuild(path: string, aside: string, rebuilt: string): string {
  rmSync(rebuilt, { force: true });
  rmSync(`${rebuilt}-journal`, { force: true });
  writeFileSync(rebuilt, '', { mode: 0o600 });
  const target = new Sqlite(rebuilt);
  unsafeButFast(target);
  const backup = listBackups(path).find((one) => !isDamaged(one.path));
  const backupDb = backup && new Sqlite(backup.path, { readonly: true });
  try {
    migrate(target);
    const copy = `${path}.salvaged`;
    removeCopy(copy);
    const damaged = openCopy(aside, copy, rebuilt);
    try {
      const result = salvage(target, damaged, backupDb);
      skipChangeIds({ sql: (text) => target.prepare(text) }, readMark(path)?.changeId ?? 0);
      return describe(result, aside, backup?.takenAt);
    } finally {
      damaged?.close();
      removeCopy(copy);
    }
  } finally {
    backupDb?.close();
    target.close();
  }
}

function describe({ conversations, messages, fromBackup, lost }: Salvage, aside: string, takenAt = 0): string {
  const saved = `${amount(messages, 'message')} in ${amount(conversations, 'conversation')} were saved`;
  const how = fromBackup > 0 ? `, ${fromBackup} of them from the backup of ${new Date(takenAt).toLocaleString()}` : '';
  const gone =
    lost > 0 ? `${amount(lost, 'message')} could not be read and were lost` : 'no message is known to be lost';
  return (
    `The chat database was damaged and has been rebuilt: ${saved}${how}; ${gone}. ` +
    `The damaged file was kept as ${basename(aside)}.`
  );
}

function amount(count: number, what: string): string {
  return `${count.toLocaleString('en')} ${what}${count === 1 ? '' : 's'}`;
}
