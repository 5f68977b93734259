import { Disposable, workspace } from 'vscode';
import type { InstanceClient } from '../instance/client/instanceClient.ts';
import type { Log } from '../protocol/log.ts';
import { settings } from './contributions.ts';

/** How long a window on a workspace file may take to learn of its folders, in ms; it may also have none. */
const PATIENCE = 5000;

/** Which history this window opens, as a client asks for it. */
export function historyLocation(log: Log): { workspaceFolders: string[]; location: 'user' | 'workspaceFolder' } {
  const workspaceFolders = (workspace.workspaceFolders ?? []).map(({ uri }) => uri.fsPath);
  const wanted = workspace.getConfiguration().get<string>(settings.databaseLocation);
  if (wanted !== 'workspaceFolder') return { workspaceFolders, location: 'user' };
  if (workspace.isTrusted) return { workspaceFolders, location: 'workspaceFolder' };
  // A database in a folder that is not trusted could be anyone's.
  log('warn', 'the folder is not trusted: its own database is not opened, the user’s is used instead');
  return { workspaceFolders, location: 'user' };
}

/** Starts the client, and starts it anew when something changes that decides which history the window opens. */
export function startWhereHistoryIs(client: InstanceClient): Disposable {
  // A workspace file is sometimes read only after the extensions have started. Without its folders, the wrong
  // history would be opened.
  const isWaiting = workspace.workspaceFile !== undefined && !workspace.workspaceFolders?.length;
  // To start a process takes longer than all else that the editor waits for at its own start.
  const waiting = setTimeout(() => client.start(), isWaiting ? PATIENCE : 0);
  const restart = () => {
    clearTimeout(waiting);
    client.restart();
  };
  return Disposable.from(
    workspace.onDidChangeWorkspaceFolders(restart),
    workspace.onDidGrantWorkspaceTrust(restart),
    workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration(settings.databaseLocation)) restart();
    }),
    new Disposable(() => clearTimeout(waiting)),
  );
}
