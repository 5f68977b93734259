import { Disposable, workspace } from 'vscode';
import type { InstanceClient } from '../instance/client/instanceClient.ts';

/** How long a window on a workspace file may take to learn of its folders, in ms; it may also have none. */
const PATIENCE = 5000;

/** The paths of the window's folders, in order. */
export function folderPaths(): string[] {
  return (workspace.workspaceFolders ?? []).map(({ uri }) => uri.fsPath);
}

/** Starts the client, and starts it anew when the window's folders change: they decide where the history is. */
export function startWithFolders(client: InstanceClient): Disposable {
  let waiting: NodeJS.Timeout | undefined;
  // A workspace file is sometimes read only after the extensions have started. Without its folders, the wrong
  // history would be opened.
  if (workspace.workspaceFile && folderPaths().length === 0) waiting = setTimeout(() => client.start(), PATIENCE);
  else client.start();
  const listener = workspace.onDidChangeWorkspaceFolders(() => {
    clearTimeout(waiting);
    client.restart();
  });
  return Disposable.from(listener, new Disposable(() => clearTimeout(waiting)));
}
