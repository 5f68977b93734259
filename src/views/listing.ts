import { commands as editor, l10n, type QuickPickItem, QuickPickItemKind, Uri, window } from 'vscode';
import type { WorkspaceSummary } from '../protocol/rpc.ts';
import { type Command, type CommandContext, say } from './commandTarget.ts';
import type { ConversationFilter } from './conversationGroups.ts';
import { sourceName, titleOf } from './conversationItems.ts';
import { withoutIcons } from './plainText.ts';

/** The commands that choose what is listed. */
export const listing = {
  groupByTime: ({ choice }) => choice.groupBy('time'),
  groupBySource: ({ choice }) => choice.groupBy('source'),
  filter: async ({ choice, history }) => {
    const live = history.live();
    const sources = [...new Set(live.map(({ source }) => source))].sort();
    const tags = [...new Set(live.flatMap((conversation) => conversation.tags))].sort();
    const items: FilterItem[] = [
      { label: l10n.t('All Conversations'), filter: {} },
      { label: l10n.t('Source'), kind: QuickPickItemKind.Separator, filter: {} },
      ...sources.map((source) => ({ label: sourceName(source), filter: { source } })),
      { label: l10n.t('Tag'), kind: QuickPickItemKind.Separator, filter: {} },
      ...tags.map((tag) => ({ label: withoutIcons(`#${tag}`), filter: { tag } })),
    ];
    const picked = await window.showQuickPick(items, { placeHolder: l10n.t('Show which conversations?') });
    if (picked) choice.filterBy(picked.filter);
  },
  clearFilter: ({ choice }) => choice.filterBy({}),
  showOtherWorkspaces: async (context) => {
    const workspace = await pickWorkspace(await otherWorkspaces(context), l10n.t('Look into which workspace?'));
    if (!workspace) return;
    const { conversations } = await context.client.request('workspaces/conversations', { workspace: workspace.id });
    const open = { label: l10n.t('Open This Workspace') };
    const items: QuickPickItem[] = [
      ...(workspace.folders.length > 0 ? [open] : []),
      { label: l10n.t('Conversations'), kind: QuickPickItemKind.Separator },
      ...conversations.map((conversation) => ({
        label: withoutIcons(titleOf(conversation)),
        description: `${sourceName(conversation.source)} · ${new Date(conversation.updatedAt).toLocaleString()}`,
      })),
    ];
    const picked = await window.showQuickPick(items, { placeHolder: workspace.folders.join(', ') });
    if (picked) await openFolder(workspace);
  },
} satisfies Record<string, Command>;

type FilterItem = QuickPickItem & { filter: ConversationFilter };

/** The histories beside the one of this window, the one that was last changed first. */
export async function otherWorkspaces({ client }: CommandContext): Promise<WorkspaceSummary[]> {
  const { workspaces } = await client.request('workspaces/list', {});
  return workspaces.filter(({ databasePath }) => databasePath !== client.session?.databasePath);
}

/** Lets the user pick one of the other histories; undefined when none was picked. */
export async function pickWorkspace(
  others: readonly WorkspaceSummary[],
  placeHolder: string,
): Promise<WorkspaceSummary | undefined> {
  if (others.length === 0) {
    say(l10n.t('No other workspace has a chat history.'));
    return undefined;
  }
  const items = others.map((workspace) => ({ ...describe(workspace), workspace }));
  return (await window.showQuickPick(items, { placeHolder, matchOnDescription: true }))?.workspace;
}

function describe({
  folders,
  formerFolders,
  isInUse,
  conversations,
  lastActivity,
  problem,
}: WorkspaceSummary): QuickPickItem {
  const [folder] = [...folders, ...formerFolders];
  const noFolder = isInUse ? l10n.t('Windows without a folder') : l10n.t('No folder');
  const former = formerFolders.length > 0 ? l10n.t('formerly {0}', formerFolders.join(', ')) : '';
  const count = l10n.t('Conversations: {0}', conversations);
  return {
    label: withoutIcons(folder?.split(/[\\/]/).at(-1) ?? noFolder),
    description: folders.join(', ') || former,
    detail: problem ?? (lastActivity === null ? count : `${count} · ${new Date(lastActivity).toLocaleString()}`),
  };
}

/** Its history belongs to the window that opens it; this one only looks. */
async function openFolder({ folders: [folder] }: WorkspaceSummary): Promise<void> {
  if (folder === undefined) return;
  await editor.executeCommand('vscode.openFolder', Uri.file(folder), { forceNewWindow: true });
}
