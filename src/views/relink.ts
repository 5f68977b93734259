import { l10n } from 'vscode';
import { type Command, say } from './commandTarget.ts';
import { otherWorkspaces, pickWorkspace } from './listing.ts';
import { historyLocation } from './location.ts';

/** Has the window's first folder use another history, and opens it. Those whose folders have gone are offered first. */
export const relink: Command = async (context) => {
  const { client, problems } = context;
  const { workspaceFolders, location } = historyLocation(problems.log);
  const [workspaceFolder] = workspaceFolders;
  if (workspaceFolder === undefined) return say(l10n.t('Open the folder first that is to use another history.'));
  if (location === 'workspaceFolder') return say(l10n.t('This folder keeps its history in itself, and uses no other.'));
  const others = await otherWorkspaces(context);
  const offered = others.toSorted((a, b) => Number(a.isInUse) - Number(b.isInUse));
  const workspace = await pickWorkspace(offered, l10n.t('Use the history of which folder?'));
  if (!workspace) return;
  await client.request('workspaces/relink', { workspaceFolder, workspace: workspace.id });
  client.restart();
  say(
    l10n.t(
      'The folder uses the chosen history now. The one that it had is kept and can be chosen again. Other windows on the folder follow when they are reloaded.',
    ),
  );
};
