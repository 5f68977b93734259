import {
  Disposable,
  commands as editor,
  l10n,
  type QuickPickItem,
  StatusBarAlignment,
  ThemeColor,
  ThemeIcon,
  window,
} from 'vscode';
import type { InstanceClient } from '../instance/client/instanceClient.ts';
import type { HubStatus, Notifications } from '../protocol/rpc.ts';
import type { Chats } from './chats.ts';
import { commands } from './contributions.ts';
import type { History } from './history.ts';
import { hubText } from './hub.ts';
import { type StatusWords, statusText } from './statusText.ts';

/** Shows how the history stands, and leads to what can be done about it. */
export function registerStatusBar(client: InstanceClient, history: History, chats: Chats): Disposable {
  const item = window.createStatusBarItem(commands.showActions, StatusBarAlignment.Right);
  let peers = 0;
  let hub: HubStatus | null = null;
  let shown = '';
  const show = () => {
    const { state, problem, readOnly } = client;
    const counts = { hub, peers, unread: history.unread(), unsent: chats.unsent };
    const status = statusText({ state, problem, readOnly, ...counts }, statusWords());
    const { icon, text, lines, kind } = status;
    // The history changes with every message; the editor need not hear of that.
    if (JSON.stringify(status) === shown) return;
    shown = JSON.stringify(status);
    item.text = `$(${icon}) ${text}`.trim();
    item.tooltip = lines.join('\n');
    item.accessibilityInformation = { label: ['DevChat', ...lines].join(', ') };
    item.backgroundColor = kind === 'normal' ? undefined : new ThemeColor(`statusBarItem.${kind}Background`);
  };
  const onStatus = (status: Notifications['status']) => {
    peers = status.peers.length;
    hub = status.hub;
    show();
  };
  item.name = 'DevChat';
  item.command = commands.showActions;
  client.events.on('state', show).on('status', onStatus);
  history.events.on('updated', show);
  chats.events.on('unsent', show);
  show();
  item.show();
  return Disposable.from(
    item,
    new Disposable(() => {
      client.events.off('state', show).off('status', onStatus);
      history.events.off('updated', show);
      chats.events.off('unsent', show);
    }),
  );
}

/** Lets the user choose what to do: first what a problem calls for. */
export async function pickAction({ state }: InstanceClient): Promise<void> {
  const restart = action('debug-restart', l10n.t('Restart'), commands.restart);
  const actions = [
    ...(state === 'failed' ? [restart] : []),
    action('add', l10n.t('New Conversation'), commands.newConversation),
    action('search', l10n.t('Search Messages'), commands.search),
    action('multiple-windows', l10n.t('Other Workspaces'), commands.showOtherWorkspaces),
    action('sync', l10n.t('Resync All Conversations'), commands.resyncAll),
    action('cloud-download', l10n.t('Import Transcripts'), commands.importTranscripts),
    action('info', l10n.t('Sync Status'), commands.showSyncStatus),
    action('pulse', l10n.t('Diagnostics'), commands.showDiagnostics),
    action('output', l10n.t('Show Log'), commands.showLog),
  ];
  const picked = await window.showQuickPick(actions, { placeHolder: 'DevChat' });
  if (picked) await editor.executeCommand(picked.command);
}

function action(icon: string, label: string, command: string): QuickPickItem & { command: string } {
  return { label, iconPath: new ThemeIcon(icon), command };
}

function statusWords(): StatusWords {
  return {
    failed: l10n.t('The chat history is not available.'),
    starting: l10n.t('Opening the chat history…'),
    restarting: l10n.t('Reconnecting to the chat history… What you write is kept.'),
    windows: (count) => l10n.t('Connected windows and programs: {0}', count),
    unsent: (count) => l10n.t('Messages waiting to be saved: {0}', count),
    unread: (count) => l10n.t('Unread messages: {0}', count),
    hub: hubText,
  };
}
