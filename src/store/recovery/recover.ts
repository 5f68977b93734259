import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { DevChatError } from '../../protocol/errors.ts';
import { skipChangeIds } from '../changeLog.ts';
import { changeEpoch } from '../epoch.ts';
import { explainFileError, syncFile, writeWhole } from '../files.ts';
import { migrate } from '../migrate.ts';
import { type Backup, newestSoundBackup } from './backups.ts';
import { isDamaged, isNewer, openCopy, removeCopy, type Source, unsafeButFast } from './damagedFile.ts';
import { hasForeignLog, hasLog } from './foreignLog.ts';
import { type Mark, readMark } from './highWaterMark.ts';
import { withLock } from './lock.ts';
import { type Salvage, type Sources, salvage } from './salvage.ts';

const UNDERWAY =
  'The chat database is damaged. It is being rebuilt from what can be read; until then nothing can be shown or saved.';

const markerPath = (path: string) => `${path}.recovering`;

/** Whether a database is being recovered, or a recovery was interrupted: the file at its path counts for nothing. */
export function isBeingRecovered(path: string): boolean {
  return interrupted(path) !== undefined;
}

/**
 * Replaces a damaged database by one with everything that can still be read; the damaged file is kept beside it.
 * Whoever has the damaged file open can acknowledge nothing from the first step on. What was interrupted is carried
 * on by the next call.
 * @param tell told, in words for the user, when there is something to do; the process answers others meanwhile
 * @returns what was done, in words for the user; undefined when the database is not damaged (any more)
 * @throws {DevChatError} `busy`, `disk-full`, `read-only`, `newer-database`
 */
export function recover(path: string, tell?: (text: string) => void): Promise<string | undefined> {
  return withLock(path, async () => {
    const begun = interrupted(path);
    if (begun === undefined && !isDamaged(path)) return undefined;
    tell?.(UNDERWAY);
    const aside = begun ?? `${path}.damaged-${Date.now()}`;
    if (begun === undefined) {
      assertKnownSchema(path);
      await writeWhole(markerPath(path), (unfinished) => writeFileSync(unfinished, basename(aside)));
    }
    setAside(path, aside);
    const rebuilt = `${path}.rebuilt`;
    const report = await rebuild(path, aside, rebuilt);
    putInPlace(rebuilt, path, `${aside}.late`);
    writeFileSync(`${aside}.txt`, `${report}\n`, { mode: 0o600 });
    rmSync(markerPath(path));
    return report;
  });
}

/** Where an interrupted recovery keeps the damaged file: in the same folder, which may have been renamed since. */
function interrupted(path: string): string | undefined {
  try {
    const aside = readFileSync(markerPath(path), 'utf8');
    return aside === '' ? undefined : join(dirname(path), basename(aside));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw explainFileError(error, path);
  }
}

function assertKnownSchema(path: string): void {
  if (!isNewer(path)) return;
  throw new DevChatError(
    'newer-database',
    'The chat history is damaged, and was written by a newer version of DevChat, which alone can repair it. Nothing ' +
      'was changed; update DevChat here.',
  );
}

/** Moves the database away, its log first: without it nothing is acknowledged, and without the file it means nothing. */
function setAside(path: string, aside: string): void {
  if (existsSync(aside)) return;
  if (!existsSync(`${aside}-wal`)) moveIfThere(`${path}-wal`, `${aside}-wal`);
  moveIfThere(`${path}-shm`, `${aside}-shm`);
  moveIfThere(path, aside);
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
async function rebuild(path: string, aside: string, rebuilt: string): Promise<string> {
  rmSync(rebuilt, { force: true });
  rmSync(`${rebuilt}-journal`, { force: true });
  writeFileSync(rebuilt, '', { mode: 0o600 });
  const target = new Sqlite(rebuilt);
  unsafeButFast(target);
  const mark = readMark(path);
  const copies = [`${path}.salvaged`, `${path}.salvaged-without-log`] as const;
  copies.forEach(removeCopy);
  const backup = newestSoundBackup(path);
  const sources: Sources = { file: [], backup: undefined };
  try {
    migrate(target);
    sources.file = await openFile(aside, copies, { fresh: target, mark });
    sources.backup = backup && { sqlite: new Sqlite(backup.path, { readonly: true }), isSchemaGuessed: false };
    const result = await salvage(target, sources, mark?.changeId ?? 0);
    const db = { sql: (text: string) => target.prepare(text) };
    skipChangeIds(db, mark?.changeId ?? 0);
    changeEpoch(db, mark?.dbEpoch);
    return describe(result, { aside, mark, backup });
  } finally {
    for (const source of [...sources.file, sources.backup]) source?.sqlite.close();
    copies.forEach(removeCopy);
    target.close();
  }
}

/** The damaged file with its log, and as it was before that, for when the log is damaged too or another database's. */
async function openFile(
  aside: string,
  [copy, copyWithoutLog]: readonly [string, string],
  { fresh, mark }: { fresh: Sqlite.Database; mark: Mark | undefined },
): Promise<Source[]> {
  if (!existsSync(aside)) return [];
  const withLog = hasUsableLog(aside, mark) && (await openCopy(aside, copy, { withLog: true, fresh }));
  const alone = await openCopy(aside, copyWithoutLog, { withLog: false, fresh });
  return [withLog, alone].filter((source) => typeof source === 'object');
}

function hasUsableLog(path: string, mark: Mark | undefined): boolean {
  try {
    return hasLog(path) && !hasForeignLog(path, mark);
  } catch {
    // Which of the two is damaged shows in what can be read of them.
    return true;
  }
}

interface Circumstances {
  aside: string;
  mark: Mark | undefined;
  backup: Backup | undefined;
}

function describe(
  { conversations, messages, fromBackup, lost, unconfirmed, lostDetails }: Salvage,
  { aside, mark, backup }: Circumstances,
): string {
  const saved = `${amount(messages, 'message')} in ${amount(conversations, 'conversation')} were saved`;
  const takenAt = new Date(backup?.takenAt ?? 0).toLocaleString();
  const how = fromBackup > 0 ? `, ${fromBackup} of them from the backup of ${takenAt}` : '';
  const gone = [
    ...(lost > 0 ? [`${amount(lost, 'message')} could not be read and were lost`] : []),
    ...(unconfirmed > 0
      ? [`of ${amount(unconfirmed, 'more message')}, if they ever were, only the numbers are left`]
      : []),
    ...(messages === fromBackup ? [lostWithTheFile((mark?.changeId ?? 0) - (backup?.changeId ?? 0))] : []),
  ];
  return (
    `The chat database was damaged and has been rebuilt: ${saved}${how}; ` +
    `${gone.join('; ') || 'no message is known to be lost'}${describeDetails(lostDetails)}. The damaged file was kept as ${basename(aside)}.`
  );
}

/** What is lost of what is said about messages: token usage, shared prefixes, attachments … */
function describeDetails(lost: Salvage['lostDetails']): string {
  const tables = lost.map(({ table, rows }) => `${rows === undefined ? 'some rows' : amount(rows, 'row')} of ${table}`);
  return tables.length > 0 ? `; of the details about messages were lost: ${tables.join(', ')}` : '';
}

function lostWithTheFile(changes: number): string {
  const lost = changes > 0 ? `, and its newest ${amount(changes, 'change')} were lost` : '';
  return `no message could be read in the file itself${lost}`;
}

function amount(count: number, what: string): string {
  return `${count.toLocaleString('en')} ${what}${count === 1 ? '' : 's'}`;
}
