import { Disposable, commands as editor, l10n, window } from 'vscode';
import type { InstanceClient } from '../instance/client/instanceClient.ts';
import type { Notifications } from '../protocol/rpc.ts';
import { commands, contextKeys } from './contributions.ts';
import type { History } from './history.ts';

/**
 * Tells the user what has become of the history where that needs the user: that it is unavailable, until when restarts go
 * unmentioned, and what was lost, saved or put back. The views learn its state as a context key.
 */
export function registerHistoryMessages(client: InstanceClient, history: History): Disposable {
  const onState = () => {
    void setContext(client, history);
    if (client.state === 'failed') void sayUnavailable(client.problem ?? '');
  };
  const onReloaded = () => void setContext(client, history);
  const onNotice = ({ text, conversationId }: Notifications['notice']) =>
    void (conversationId === undefined ? sayWithLog(text) : sayLost(text, conversationId));
  client.events.on('state', onState).on('notice', onNotice);
  history.events.on('reloaded', onReloaded).on('failed', sayUnavailable);
  void setContext(client, history);
  return new Disposable(() => {
    client.events.off('state', onState).off('notice', onNotice);
    history.events.off('reloaded', onReloaded).off('failed', sayUnavailable);
  });
}

async function setContext({ state }: InstanceClient, { isLoaded }: History): Promise<void> {
  const shown = state === 'ready' && !isLoaded ? 'starting' : state;
  await editor.executeCommand('setContext', contextKeys.state, shown);
}

async function sayUnavailable(problem: string): Promise<void> {
  const [showLog, tryAgain] = [l10n.t('Show Log'), l10n.t('Try Again')];
  const text = l10n.t('DevChat’s history is not available: {0}', problem);
  const choice = await window.showErrorMessage(text, showLog, tryAgain);
  if (choice === showLog) await editor.executeCommand(commands.showLog);
  if (choice === tryAgain) await editor.executeCommand(commands.restart);
}

/** Tells the user which edits have lost against others, and leads to them. */
async function sayLost(text: string, conversationId: string): Promise<void> {
  const show = l10n.t('Show Other Versions');
  const choice = await window.showWarningMessage(text, show);
  if (choice === show) await editor.executeCommand(commands.showOtherVersions, conversationId);
}

type Show = (text: string, action: string) => PromiseLike<string | undefined>;

/** Tells the user what the log has more of. */
export async function sayWithLog(text: string, show: Show = window.showWarningMessage): Promise<void> {
  const showLog = l10n.t('Show Log');
  if ((await show(text, showLog)) === showLog) await editor.executeCommand(commands.showLog);
}
