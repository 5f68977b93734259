import { existsSync } from 'node:fs';
import Sqlite from 'better-sqlite3';
import { DevChatError, errorText } from '../protocol/errors.ts';
import type { ConversationSummary, WorkspaceSummary } from '../protocol/rpc.ts';
import { catalogedWorkspaces } from './catalog.ts';
import { databaseFile } from './database.ts';
import { SCHEMA_VERSION } from './schema.ts';
import { explainSqlite } from './sqliteErrors.ts';

/**
 * Every history in the user's data directory, the one that was last changed first. None of them is migrated, mended or
 * locked; one that cannot be read is listed with the reason.
 * @throws {DevChatError} `corrupt`, … when the catalog itself cannot be read
 */
export function listWorkspaces(dataDirectory: string): WorkspaceSummary[] {
  const workspaces = catalogedWorkspaces(dataDirectory)
    .map(({ directory, ...workspace }) => ({ ...workspace, databasePath: databaseFile(directory) }))
    .filter(({ databasePath }) => existsSync(databasePath))
    .map((workspace) => ({ ...workspace, ...summaryOf(workspace.databasePath) }));
  return workspaces.sort((a, b) => (b.lastActivity ?? 0) - (a.lastActivity ?? 0) || (a.id < b.id ? -1 : 1));
}

function summaryOf(path: string): Pick<WorkspaceSummary, 'conversations' | 'lastActivity' | 'problem'> {
  try {
    const list = readConversations(path);
    const lastActivity = list.reduce((last, { updatedAt }) => Math.max(last, updatedAt), 0) || null;
    return { conversations: list.length, lastActivity, problem: null };
  } catch (error) {
    return { conversations: 0, lastActivity: null, problem: errorText(error) };
  }
}

/**
 * The conversations of one of these histories that are neither archived nor in the bin, newest activity first.
 * @throws {DevChatError} `not-found`, `newer-database`, `corrupt`, …
 */
export function workspaceConversations(dataDirectory: string, workspace: string): ConversationSummary[] {
  const known = catalogedWorkspaces(dataDirectory).find(({ id }) => id === workspace);
  if (!known) throw new DevChatError('not-found', `There is no workspace ${workspace}.`);
  return readConversations(databaseFile(known.directory));
}

function readConversations(path: string): ConversationSummary[] {
  let sqlite: Sqlite.Database | undefined;
  try {
    sqlite = new Sqlite(path, { readonly: true, fileMustExist: true });
    const value = sqlite.prepare(`SELECT value FROM meta WHERE key = 'min_reader'`).pluck().get();
    if (Number(value) > SCHEMA_VERSION) {
      throw new DevChatError(
        'newer-database',
        'This history was written by a newer version of DevChat. Update DevChat here.',
      );
    }
    // Older ones have no archive.
    const isOld = Number(sqlite.pragma('user_version', { simple: true })) < 3;
    return sqlite
      .prepare(
        `SELECT id, title, source, last_seq AS lastSeq, created_at AS createdAt, updated_at AS updatedAt
         FROM conversations WHERE deleted_at IS NULL ${isOld ? '' : 'AND archived_at IS NULL'}
         ORDER BY updated_at DESC, id DESC`,
      )
      .all() as ConversationSummary[];
  } catch (error) {
    throw explainSqlite(error, path);
  } finally {
    sqlite?.close();
  }
}
