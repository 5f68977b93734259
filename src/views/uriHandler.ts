import { type Disposable, l10n, window } from 'vscode';
import { type CommandContext, showInView, showMessage } from './commandTarget.ts';
import { readUri } from './openUri.ts';

/** Opens conversations by address, such as a link in a document. */
export function registerUriHandler(context: CommandContext): Disposable {
  return window.registerUriHandler({
    handleUri: async ({ path, query }) => {
      const target = readUri(path, query);
      if (!target || !(await isThere(context, target.conversationId))) {
        void window.showWarningMessage(l10n.t('This link leads to no conversation of this workspace.'));
      } else if (target.seq === undefined) await showInView(context, target.conversationId);
      else await showMessage(context, target.conversationId, target.seq);
    },
  });
}

/** The window may have been opened for the link, and its history not be read yet. */
async function isThere({ client, history }: CommandContext, conversationId: string): Promise<boolean> {
  if (!history.isLoaded) history.apply(...(await client.request('conversation/list', {})).conversations);
  return history.get(conversationId) !== undefined;
}
