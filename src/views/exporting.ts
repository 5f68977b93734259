import { env, l10n, Uri, window, workspace } from 'vscode';
import type { InstanceClient } from '../instance/client/instanceClient.ts';
import { type ExportFormat, exportConversation, exportFileName, messagePages } from '../protocol/export.ts';
import type { Conversation } from '../protocol/model.ts';
import { type Command, chooseOne, chooseSeveral, say } from './commandTarget.ts';

/** The commands that take conversations out of the history. */
export const exporting = {
  export: async (context, target) => {
    const conversations = await chooseSeveral(context, target, l10n.t('Export which conversation?'));
    const [first] = conversations;
    if (!first) return;
    const format = await pickFormat();
    if (!format) return;
    const files = conversations.length === 1 ? await placeFor(first, format) : await placesFor(conversations, format);
    for (const { conversation, file } of files) {
      const text = await textOf(context.client, conversation, format);
      await workspace.fs.writeFile(file, new TextEncoder().encode(text));
    }
    if (files.length > 0) say(l10n.t('Exported conversations: {0}.', files.length));
  },
  copyConversation: async ({ client, ...context }, target) => {
    const conversation = await chooseOne({ client, ...context }, target, l10n.t('Copy which conversation?'));
    if (conversation) await env.clipboard.writeText(await textOf(client, conversation, 'markdown'));
  },
} satisfies Record<string, Command>;

async function textOf(client: InstanceClient, conversation: Conversation, format: ExportFormat): Promise<string> {
  const pages = messagePages(conversation.id, (params) => client.request('message/range', params));
  const pieces: string[] = [];
  for await (const piece of exportConversation(conversation, format, pages)) pieces.push(piece);
  return pieces.join('');
}

async function pickFormat(): Promise<ExportFormat | undefined> {
  const items: { label: string; description: string; format: ExportFormat }[] = [
    { label: 'Markdown', description: l10n.t('a document to read'), format: 'markdown' },
    { label: 'JSONL', description: l10n.t('one message per line, for programs'), format: 'jsonl' },
  ];
  return (await window.showQuickPick(items, { placeHolder: l10n.t('Export as what?') }))?.format;
}

interface Place {
  conversation: Conversation;
  file: Uri;
}

async function placeFor(conversation: Conversation, format: ExportFormat): Promise<Place[]> {
  const folder = workspace.workspaceFolders?.[0]?.uri;
  const name = exportFileName(conversation, format);
  const file = await window.showSaveDialog({ ...(folder && { defaultUri: Uri.joinPath(folder, name) }) });
  return file ? [{ conversation, file }] : [];
}

async function placesFor(conversations: readonly Conversation[], format: ExportFormat): Promise<Place[]> {
  const options = { canSelectFiles: false, canSelectFolders: true, openLabel: l10n.t('Export Here') };
  const folder = (await window.showOpenDialog(options))?.[0];
  if (!folder) return [];
  return conversations.map((conversation) => {
    return { conversation, file: Uri.joinPath(folder, exportFileName(conversation, format)) };
  });
}
