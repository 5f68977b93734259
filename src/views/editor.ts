import { commands, env, l10n, window } from 'vscode';
import { readAttachment } from './attach.ts';
import type { ChatEditor } from './chatController.ts';
import { sourceName } from './conversationItems.ts';
import { isModelOffered, pickModel } from './modelChoice.ts';
import { openLink } from './openLink.ts';
import { useCode } from './useCode.ts';

/** The chat's wishes, fulfilled by the editor. */
export const chatEditor: ChatEditor = {
  confirmDeleteMessage: async () => {
    const remove = l10n.t('Delete');
    const detail = l10n.t('Its text is removed from every window and cannot be restored.');
    const question = l10n.t('Delete this message?');
    return (await window.showWarningMessage(question, { modal: true, detail }, remove)) === remove;
  },
  openLink,
  useCode,
  copy: async (text) => env.clipboard.writeText(text),
  runCommand: async (command, conversationId, seq) => {
    await commands.executeCommand(command, ...(conversationId === undefined ? [] : [conversationId, seq]));
  },
  isFocused: () => window.state.focused,
  isModelOffered,
  pickModel,
  readAttachment,
  sourceName,
  tooMuchMentioned: l10n.t('What this message mentions is too much to attach. Mention less, or select what matters.'),
  deletedElsewhere: (title) =>
    title === ''
      ? l10n.t('This conversation was deleted in another window.')
      : l10n.t('“{0}” was deleted in another window.', title),
  noLongerThere: l10n.t('The conversation shown before is no longer in the history.'),
};
