import { randomUUID } from 'node:crypto';
import { chmodSync, existsSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import Sqlite from 'better-sqlite3';
import * as v from 'valibot';
import { DevChatError } from '../protocol/errors.ts';
import { Id, type RelinkResult } from '../protocol/rpc.ts';
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

/** A history in the data directory, and what leads to it. */
export interface CatalogedWorkspace {
  id: string;
  /** The folders that lead to it; windows without a folder have none. */
  folders: string[];
  /** The folders that no longer do. */
  formerFolders: string[];
  directory: string;
  /** Whether a folder that exists, or windows without a folder, lead to it. */
  isInUse: boolean;
}

/** Every history in the data directory, also those that no folder leads to. */
export function catalogedWorkspaces(dataDirectory: string): CatalogedWorkspace[] {
  const directory = directoryOf(dataDirectory, '');
  if (!existsSync(directory)) return [];
  const [links, formerLinks] = withCatalog(dataDirectory, readLinks);
  const pathsOf = (rows: readonly Link[], id: string) => rows.filter((row) => row.id === id).map(({ path }) => path);
  const ids = readdirSync(directory).filter((name) => v.is(Id, name));
  return ids.map((id) => {
    const paths = pathsOf(links, id);
    return {
      id,
      folders: paths.filter((path) => path !== NO_FOLDER),
      formerFolders: pathsOf(formerLinks, id),
      directory: directoryOf(dataDirectory, id),
      isInUse: paths.some((path) => path === NO_FOLDER || existsSync(path)),
    };
  });
}

/**
 * Links a folder with a history of the data directory. The one that it had until now stays there.
 * @param history its id, or a folder that leads to it or once did, and need not exist any more
 * @throws {DevChatError} `not-found`; `bad-request` when that folder has led to several, or the first one does not exist
 */
export function relinkWorkspace(dataDirectory: string, folder: string, history: string): RelinkResult {
  const identity = identify(folder);
  makePrivateDirectory(dataDirectory);
  return withCatalog(dataDirectory, (sqlite) => {
    const isStored = (id: string) => existsSync(directoryOf(dataDirectory, id));
    const relink = sqlite.transaction(() => {
      const workspace = namedWorkspace(sqlite, history, isStored);
      const former = knownWorkspace(sqlite, identity);
      remember(sqlite, identity, workspace);
      return { folder: identity.path, workspace, former: former !== undefined && isStored(former) ? former : null };
    });
    return relink.immediate();
  });
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
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS former_folders(
    workspace_id TEXT NOT NULL, path TEXT NOT NULL, PRIMARY KEY (workspace_id, path)
  ) STRICT, WITHOUT ROWID`);
}

/** A folder and the history that it leads to. */
interface Link {
  id: string;
  path: string;
}

/** The links that hold, and those that no longer do. */
function readLinks(sqlite: Sqlite.Database): [links: Link[], formerLinks: Link[]] {
  const links = sqlite.prepare('SELECT workspace_id AS id, path FROM folders ORDER BY path').all() as Link[];
  const former = sqlite.prepare(
    `SELECT workspace_id AS id, path FROM former_folders
     EXCEPT SELECT workspace_id, path FROM folders ORDER BY path`,
  );
  return [links, former.all() as Link[]];
}

/** The history that is named by its id, or by the folder that leads to it, or else once did. */
function namedWorkspace(sqlite: Sqlite.Database, name: string, isStored: (id: string) => boolean): string {
  const [found, ...others] = workspacesNamed(sqlite, name, isStored);
  if (found === undefined) {
    throw new DevChatError(
      'not-found',
      `“${name}” is neither the id nor a folder of a chat history. “devchat list --all” shows all of them.`,
    );
  }
  if (others.length > 0) {
    throw new DevChatError(
      'bad-request',
      `The folder ${name} has led to several chat histories. Name one by its id: ${[found, ...others].join(', ')}.`,
    );
  }
  return found;
}

function workspacesNamed(sqlite: Sqlite.Database, name: string, isStored: (id: string) => boolean): string[] {
  const id = v.safeParse(Id, name);
  if (id.success) return [id.output].filter(isStored);
  const path = canonicalPath(resolve(name));
  const present = existsSync(path) ? knownWorkspace(sqlite, identify(path)) : knownByPath(sqlite, path);
  if (present !== undefined && isStored(present)) return [present];
  const former = sqlite.prepare('SELECT workspace_id FROM former_folders WHERE path = ?').pluck().all(path) as string[];
  return former.filter(isStored);
}

/** The true name of what is at a path or, where nothing is any more, of what is left of the path above it. */
function canonicalPath(path: string): string {
  if (existsSync(path)) return realpathSync.native(path);
  const parent = dirname(path);
  return parent === path ? path : join(canonicalPath(parent), basename(path));
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

/** Records that this folder, and under its identity no other path, belongs to the workspace; and what held until now. */
function remember(sqlite: Sqlite.Database, { path, dev, ino, born }: FolderIdentity, workspaceId: string): string {
  const replaced = `WHERE path = ? OR ${sameIdentity}`;
  const folder = [path, dev, ino, born, born];
  sqlite
    .prepare(`INSERT OR IGNORE INTO former_folders SELECT workspace_id, path FROM folders ${replaced}`)
    .run(...folder);
  sqlite.prepare(`DELETE FROM folders ${replaced}`).run(...folder);
  sqlite.prepare('INSERT INTO folders VALUES (?, ?, ?, ?, ?)').run(path, workspaceId, dev, ino, born);
  return workspaceId;
}
