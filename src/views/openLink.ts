import { env, l10n, Uri, window } from 'vscode';
import { DevChatError } from '../protocol/errors.ts';
import { isTold, readLink } from './links.ts';

/**
 * Opens a link of a message; first the user is asked, unless the text of the link was its address. For hosts that the
 * user has not trusted, the editor asks as well.
 * @throws {DevChatError} `bad-request` when it is none that is opened
 */
export async function openLink(address: string, text: string): Promise<void> {
  const link = readLink(address);
  if (!link) throw new DevChatError('bad-request', l10n.t('Only links to the web and to mail addresses are opened.'));
  if (!isTold(link, text)) {
    const open = l10n.t('Open');
    const stripped = link.hadUser ? l10n.t('The user name before the host was left out.') : '';
    const detail = [link.url, stripped].filter((line) => line !== '').join('\n\n');
    const question = l10n.t('Open {0}?', link.host);
    if ((await window.showInformationMessage(question, { modal: true, detail }, open)) !== open) return;
  }
  await env.openExternal(Uri.parse(link.url, true));
}
