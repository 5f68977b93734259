import {
  Disposable,
  commands as editor,
  type LogOutputChannel,
  l10n,
  type QuickPickItem,
  type SecretStorage,
  Uri,
  window,
} from 'vscode';
import type { InstanceClient } from '../instance/client/instanceClient.ts';
import type { Attachment } from '../protocol/attachments.ts';
import { serialiseError } from '../protocol/errors.ts';
import { type Conversation, MAX_TITLE_LENGTH } from '../protocol/model.ts';
import { askApiKey } from './apiKeys.ts';
import { pickMention, readAttachment, readFile } from './attach.ts';
import type { ChatController } from './chatController.ts';
import { commands, views } from './contributions.ts';
import { titleOf } from './conversationsTree.ts';
import type { History } from './history.ts';
import { rebuildIndex, resync, resyncAll } from './resync.ts';
import { searchMessages } from './searchPick.ts';

/** What the commands act on. */
export interface CommandContext {
  client: InstanceClient;
  history: History;
  chat: ChatController;
  secrets: SecretStorage;
  log: LogOutputChannel;
}

/** What a command is given: the id of a conversation by the tree, a file by the editor's own menus. */
type Argument = string | undefined;
/** `seq` is the number of a message, where one is meant. */
type Command = (context: CommandContext, argument: Argument, seq: number | undefined) => Promise<void> | void;

/**
 * Registers every command. Those about one conversation take its id, which the tree passes;
 * without one they mean the conversation that is shown, or ask.
 */
export function registerCommands(context: CommandContext): Disposable {
  return Disposable.from(
    ...Object.entries(handlers).map(([name, run]) =>
      editor.registerCommand(commands[name as keyof typeof commands], async (argument: unknown, seq: unknown) => {
        try {
          const given = argument instanceof Uri ? argument.toString() : stringOrNothing(argument);
          await run(context, given, typeof seq === 'number' ? seq : undefined);
        } catch (error) {
          const { message } = serialiseError(error);
          context.log.error(`${name}: ${message}`);
          // Whoever ran the command need not wait until the user has read that.
          void sayWithLog(message, context.log);
        }
      }),
    ),
  );
}

async function sayWithLog(problem: string, log: LogOutputChannel): Promise<void> {
  const showLog = l10n.t('Show Log');
  if ((await window.showErrorMessage(problem, showLog)) === showLog) log.show();
}

const handlers: Record<keyof typeof commands, Command> = {
  newConversation: async ({ client, history, chat }) => {
    const conversation = await client.request('conversation/create', {});
    history.apply(conversation);
    await showChat(chat, conversation.id);
  },
  openConversation: async ({ chat }, id, seq) => {
    if (id !== undefined && seq !== undefined) await showMessage(chat, id, seq);
    else if (id !== undefined) await showChat(chat, id);
  },
  renameConversation: async ({ client, history, chat }, id) => {
    const conversation = await choose(history.live(), id ?? chat.selected, l10n.t('Rename which conversation?'));
    if (!conversation) return;
    const title = await window.showInputBox({
      title: l10n.t('Rename Conversation'),
      value: conversation.title,
      validateInput: (text) => titleProblem(text.trim()),
    });
    if (title === undefined) return;
    history.apply(
      await client.request('conversation/rename', { conversationId: conversation.id, title: title.trim() }),
    );
  },
  deleteConversation: async ({ client, history, chat }, id) => {
    const conversation = await choose(history.live(), id ?? chat.selected, l10n.t('Delete which conversation?'));
    if (!conversation) return;
    const remove = l10n.t('Delete');
    const question = l10n.t('Delete the conversation “{0}”?', titleOf(conversation));
    const detail = l10n.t('It disappears from every window. “DevChat: Restore Conversation” brings it back.');
    if ((await window.showWarningMessage(question, { modal: true, detail }, remove)) !== remove) return;
    history.apply(await client.request('conversation/delete', { conversationId: conversation.id }));
    if (chat.selected === conversation.id) chat.select(null);
  },
  restoreConversation: async ({ client, history, chat }, id) => {
    const deleted = history.deleted();
    if (deleted.length === 0) {
      void window.showInformationMessage(l10n.t('There is no deleted conversation to restore.'));
      return;
    }
    const conversation = await choose(deleted, id, l10n.t('Restore which conversation?'));
    if (!conversation) return;
    history.apply(await client.request('conversation/restore', { conversationId: conversation.id }));
    await showChat(chat, conversation.id);
  },
  search: async ({ client, chat }) => {
    const hit = await searchMessages(client);
    if (hit) await showMessage(chat, hit.conversationId, hit.seq);
  },
  resync: async (context, id) => {
    const question = l10n.t('Resync which conversation?');
    const conversation = await choose(context.history.live(), id ?? context.chat.selected, question);
    if (conversation) await resync(context, conversation);
  },
  resyncAll: (context) => resyncAll(context, context.history.live()),
  rebuildIndex: (context) => rebuildIndex(context),
  selectModel: async ({ chat }) => {
    await focusChat();
    chat.selectModel();
  },
  setApiKey: ({ secrets }) => askApiKey(secrets),
  attach: async ({ chat }) => {
    const mention = await pickMention();
    if (mention) await attach(chat, mention === 'file' ? readFile(undefined) : readAttachment(mention));
  },
  attachSelection: ({ chat }) => attach(chat, readAttachment({ kind: 'selection' })),
  attachFile: ({ chat }, uri) => attach(chat, readFile(uri === undefined ? undefined : Uri.parse(uri))),
  attachProblems: ({ chat }) => attach(chat, readAttachment({ kind: 'problems' })),
  attachTerminalSelection: ({ chat }) => attach(chat, readAttachment({ kind: 'terminal' })),
  showLog: ({ log }) => log.show(),
  restart: ({ client }) => client.restart(),
};

async function showChat(chat: ChatController, conversationId: string): Promise<void> {
  chat.select(conversationId);
  await focusChat();
  chat.focusComposer();
}

async function showMessage(chat: ChatController, conversationId: string, seq: number): Promise<void> {
  chat.select(conversationId, { seq });
  await focusChat();
}

async function focusChat(): Promise<void> {
  await editor.executeCommand(`${views.chat}.focus`);
}

/** Adds something to the next message. */
async function attach(chat: ChatController, attachment: Promise<Attachment>): Promise<void> {
  chat.addAttachment(await attachment);
  await focusChat();
  chat.focusComposer();
}

function stringOrNothing(argument: unknown): Argument {
  return typeof argument === 'string' ? argument : undefined;
}

/** The conversation with the given id, or the one that the user picks; undefined when nothing was picked. */
async function choose(
  conversations: Conversation[],
  id: string | null | undefined,
  placeHolder: string,
): Promise<Conversation | undefined> {
  const named = conversations.find((conversation) => conversation.id === id);
  if (named) return named;
  const items = conversations.map((conversation): QuickPickItem & { conversation: Conversation } => ({
    label: titleOf(conversation),
    description: new Date(conversation.updatedAt).toLocaleString(),
    conversation,
  }));
  return (await window.showQuickPick(items, { placeHolder }))?.conversation;
}

function titleProblem(title: string): string | undefined {
  if (title === '') return l10n.t('Enter a title.');
  return title.length > MAX_TITLE_LENGTH ? l10n.t('At most {0} characters.', MAX_TITLE_LENGTH) : undefined;
}
