import { commands, env, l10n, Uri, window } from 'vscode';
import type { ChatEditor } from './chatController.ts';

/** The chat's wishes, fulfilled by the editor. */
export const chatEditor: ChatEditor = {
  confirmDeleteMessage: async () => {
    const remove = l10n.t('Delete');
    const detail = l10n.t('Its text is removed from every window and cannot be restored.');
    const question = l10n.t('Delete this message?');
    return (await window.showWarningMessage(question, { modal: true, detail }, remove)) === remove;
  },
  openLink: async (url) => {
    const uri = Uri.parse(url, true);
    // The editor itself asks before it leaves for a host that the user has not trusted, and names it.
    if (['http', 'https', 'mailto'].includes(uri.scheme)) await env.openExternal(uri);
  },
  copy: async (text) => env.clipboard.writeText(text),
  runCommand: async (command, conversationId) => {
    await commands.executeCommand(command, conversationId);
  },
  deletedElsewhere: (title) =>
    title === ''
      ? l10n.t('This conversation was deleted in another window.')
      : l10n.t('“{0}” was deleted in another window.', title),
  noLongerThere: l10n.t('The conversation shown before is no longer in the history.'),
};
