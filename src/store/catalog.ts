import { randomUUID } from 'node:crypto';
import { chmodSync, existsSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { DevChatError } from '../protocol/errors.ts';
import { makePrivateDirectory } from './files.ts';
import { assertSqliteVersion } from './runtime.ts';
import { explainSqlite } from './sqliteErrors.ts';

/** What a folder is, apart from its name. `born` is its time of birth in ms, null where it is not recorded. */
interface FolderIdentity {
  path: string;
  dev: string;
  ino: string;
  born: number | null;
}

/** The key under which windows without a folder share one history. */
const NO_FOLDER = '';

/**
 * The directory of the workspace's database: `<dataDir>/workspaces/<random id>`.
 *
 * A folder is known by its canonical path, else by its identity, so that a renamed folder keeps its history. Of several
 * folders the first known one decides; if none is known, the first one starts a new history.
 * @param folders existing directories; none for the user-level workspace
 * @throws {DevChatError} `bad-request` when a folder does not exist, `busy`, `disk-full`, …
 */
export function workspaceDirectory(dataDirectory: string, folders: readonly string[]): string {
  const identities = folders.length === 0 ? [noFolder] : folders.map(identify);
  makePrivateDirectory(dataDirectory);
  return directoryOf(
    dataDirectory,
    withCatalog(dataDirectory, (sqlite) => workspaceId(sqlite, identities)),
  );
}

/**
 * The directory that {@link workspaceDirectory} would answer, or undefined when the folder is not known yet; it does
 * not become known by that.
 * @throws {DevChatError} as {@link workspaceDirectory} does
 */
export function findWorkspaceDirectory(dataDirectory: string, folder: string): string | undefined {
  const identity = identify(folder);
  if (!existsSync(catalogFile(dataDirectory))) return undefined;
  const id = withCatalog(dataDirectory, (sqlite) => knownWorkspace(sqlite, identity));
  return id === undefined ? undefined : directoryOf(dataDirectory, id);
}

/** Every workspace of the catalog with the folders that lead to it; windows without a folder have none. */
export function catalogedWorkspaces(dataDirectory: string): { id: string; folders: string[]; directory: string }[] {
  if (!existsSync(catalogFile(dataDirectory))) return [];
  const rows = withCatalog(dataDirectory, (sqlite) =>
    sqlite.prepare('SELECT workspace_id AS id, path FROM folders ORDER BY path').all(),
  ) as { id: string; path: string }[];
  return [...Map.groupBy(rows, ({ id }) => id)].map(([id, own]) => ({
    id,
    folders: own.map(({ path }) => path).filter((path) => path !== NO_FOLDER),
    directory: directoryOf(dataDirectory, id),
  }));
}

const catalogFile = (dataDirectory: string) => join(dataDirectory, 'catalog.db');
const directoryOf = (dataDirectory: string, id: string) => join(dataDirectory, 'workspaces', id);

function withCatalog<T>(dataDirectory: string, body: (sqlite: Sqlite.Database) => T): T {
  const path = catalogFile(dataDirectory);
  let sqlite: Sqlite.Database | undefined;
  try {
    sqlite = new Sqlite(path, { timeout: 5000 });
    prepareCatalog(sqlite);
    return body(sqlite);
  } catch (error) {
    throw explainSqlite(error, path);
  } finally {
    sqlite?.close();
  }
}

const noFolder: FolderIdentity = { path: NO_FOLDER, dev: '', ino: '', born: null };

function prepareCatalog(sqlite: Sqlite.Database): void {
  chmodSync(sqlite.name, 0o600);
  assertSqliteVersion(String(sqlite.prepare('SELECT sqlite_version()').pluck().get()));
  sqlite.exec(`CREATE TABLE IF NOT EXISTS folders(
    path TEXT PRIMARY KEY, workspace_id TEXT NOT NULL, dev TEXT NOT NULL, ino TEXT NOT NULL, born REAL
  ) STRICT, WITHOUT ROWID`);
}

/** The known workspace of the folders, or a new one, in one transaction: two windows may ask at the same moment. */
function workspaceId(sqlite: Sqlite.Database, folders: readonly FolderIdentity[]): string {
  const find = sqlite.transaction(() => {
    for (const folder of folders) {
      const known = knownWorkspace(sqlite, folder);
      if (known) return remember(sqlite, folder, known);
    }
    const [first = noFolder] = folders;
    return remember(sqlite, first, randomUUID());
  });
  return find.immediate();
}

function identify(folder: string): FolderIdentity {
  try {
    const path = realpathSync.native(folder);
    const stats = statSync(path, { bigint: true });
    return {
      path,
      dev: String(stats.dev),
      ino: String(stats.ino),
      // 0 where the file system does not record it.
      born: stats.birthtimeNs > 0n ? Number(stats.birthtimeNs / 1000n) / 1000 : null,
    };
  } catch (cause) {
    throw new DevChatError('bad-request', `The workspace folder ${folder} cannot be read. Check that it exists.`, {
      cause,
    });
  }
}

function knownWorkspace(sqlite: Sqlite.Database, folder: FolderIdentity): string | undefined {
  return knownByPath(sqlite, folder.path) ?? knownByIdentity(sqlite, folder);
}

function knownByPath(sqlite: Sqlite.Database, path: string): string | undefined {
  return sqlite.prepare('SELECT workspace_id FROM folders WHERE path = ?').pluck().get(path) as string | undefined;
}

/** Inode numbers are reused soon after a folder is deleted; the time of birth tells a moved folder from a new one. */
const sameIdentity = 'dev = ? AND ino = ? AND (born = ? OR born IS NULL OR ? IS NULL)';

function knownByIdentity(sqlite: Sqlite.Database, { dev, ino, born }: FolderIdentity): string | undefined {
  return sqlite.prepare(`SELECT workspace_id FROM folders WHERE ${sameIdentity}`).pluck().get(dev, ino, born, born) as
    | string
    | undefined;
}

/** Records that this folder, and under its identity no other path, belongs to the workspace. */
function remember(sqlite: Sqlite.Database, { path, dev, ino, born }: FolderIdentity, workspaceId: string): string {
  sqlite.prepare(`DELETE FROM folders WHERE ${sameIdentity} AND path <> ?`).run(dev, ino, born, born, path);
  sqlite.prepare('INSERT OR REPLACE INTO folders VALUES (?, ?, ?, ?, ?)').run(path, workspaceId, dev, ino, born);
  return workspaceId;
}
