import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findWorkspaceDirectory, workspaceDirectory } from './catalog.ts';
import { databaseFile } from './database.ts';
import { makePrivateDirectory } from './files.ts';

/**
 * The file of a workspace's database.
 * @param folders the workspace's folders in order; none for the user-level workspace
 * @param place `workspaceFolder` keeps it in the first folder's `.devchat`, hidden from version control
 */
export function locateDatabase(
  dataDirectory: string,
  folders: readonly string[],
  place: 'user' | 'workspaceFolder',
): string {
  const [first] = folders;
  if (place === 'user' || first === undefined) return databaseFile(workspaceDirectory(dataDirectory, folders));
  const directory = join(first, '.devchat');
  makePrivateDirectory(directory);
  const ignore = join(directory, '.gitignore');
  if (!existsSync(ignore)) writeFileSync(ignore, '*\n');
  return databaseFile(directory);
}

/** The file of a folder's database in the user's data directory; undefined when there is none yet. */
export function findDatabase(dataDirectory: string, folder: string): string | undefined {
  const directory = findWorkspaceDirectory(dataDirectory, folder);
  if (directory === undefined) return undefined;
  const path = databaseFile(directory);
  return existsSync(path) ? path : undefined;
}
