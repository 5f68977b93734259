import { workspace } from 'vscode';
import type { Log } from '../protocol/log.ts';
import { settings } from './contributions.ts';

/** Where the history is kept. A folder that is not trusted never decides: a database in it could be anyone's. */
export function databaseLocation(log: Log): 'user' | 'workspaceFolder' {
  const wanted = workspace.getConfiguration().get<string>(settings.databaseLocation);
  if (wanted !== 'workspaceFolder') return 'user';
  if (workspace.isTrusted) return 'workspaceFolder';
  log('warn', 'the folder is not trusted: its own database is not opened, the user’s is used instead');
  return 'user';
}
