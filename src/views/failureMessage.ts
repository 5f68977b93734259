import { Disposable, commands as editor, l10n, window } from 'vscode';
import type { InstanceClient } from '../instance/client/instanceClient.ts';
import { commands } from './contributions.ts';

/** Shows one message when the history has become unavailable for good; until then restarts go unmentioned. */
export function registerFailureMessage(client: InstanceClient): Disposable {
  const listener = async () => {
    if (client.state !== 'failed') return;
    const [showLog, restart] = [l10n.t('Show Log'), l10n.t('Try Again')];
    const text = l10n.t('DevChat’s history is not available: {0}', client.problem ?? '');
    const choice = await window.showErrorMessage(text, showLog, restart);
    if (choice === showLog) await editor.executeCommand(commands.showLog);
    if (choice === restart) client.start();
  };
  client.events.on('state', listener);
  return new Disposable(() => client.events.off('state', listener));
}
