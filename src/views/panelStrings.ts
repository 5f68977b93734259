import { l10n } from 'vscode';
import type { PanelStrings } from '../protocol/panel.ts';

/** The panel's texts in the user's language. */
export function panelStrings(): PanelStrings {
  return {
    message: l10n.t('Message'),
    send: l10n.t('Send'),
    placeholder: l10n.t('Write a message (Enter sends, Shift+Enter breaks the line)'),
    conversation: l10n.t('Conversation'),
    empty: l10n.t('No conversation selected'),
    emptyHint: l10n.t('Write a message to start one, or choose one from the list. It appears in every window at once.'),
    emptyConversation: l10n.t('Nothing here yet'),
    emptyConversationHint: l10n.t('Write the first message. It appears in every window at once.'),
    untitled: l10n.t('New conversation'),
    notebook: l10n.t(
      'No model is connected: this is a notebook that all your windows share. To add a model, let its program write replies with the devchat command (see the README).',
    ),
    connecting: l10n.t('Opening the chat history…'),
    restarting: l10n.t('Reconnecting to the chat history… What you write is kept.'),
    failed: l10n.t('The chat history is not available.'),
    readOnly: l10n.t(
      'You can read, but nothing can be saved now. What you write is kept and saved as soon as it can be.',
    ),
    showLog: l10n.t('Show Log'),
    tryAgain: l10n.t('Try Again'),
    resync: l10n.t('Resync'),
    syncing: l10n.t('Syncing'),
    newMessages: l10n.t('New messages'),
    edited: l10n.t('edited'),
    edit: l10n.t('Edit'),
    save: l10n.t('Save'),
    cancel: l10n.t('Cancel'),
    copy: l10n.t('Copy'),
    delete: l10n.t('Delete'),
    retry: l10n.t('Retry'),
    discard: l10n.t('Discard'),
    unsent: l10n.t('Not sent yet'),
    tooLong: l10n.t('This message is too long to send. Shorten it, or attach the text as a file.'),
    editLost: l10n.t('The message you were editing was deleted in another window. Your text is in the composer.'),
    restore: l10n.t('Restore'),
    dismiss: l10n.t('Dismiss'),
    roleUser: l10n.t('You'),
    roleAssistant: l10n.t('Assistant'),
    roleSystem: l10n.t('System'),
    roleTool: l10n.t('Tool'),
    loading: l10n.t('Loading messages'),
    interrupted: l10n.t('This reply was cut off.'),
    timedOut: l10n.t('The editor did not answer in time.'),
  };
}
