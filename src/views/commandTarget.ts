import {
  commands as editor,
  type LogOutputChannel,
  l10n,
  type QuickPickItem,
  type SecretStorage,
  window,
} from 'vscode';
import type { InstanceClient } from '../instance/client/instanceClient.ts';
import type { Conversation } from '../protocol/model.ts';
import type { ChatController } from './chatController.ts';
import type { ChatEditors } from './chatEditors.ts';
import type { Chats } from './chats.ts';
import { views } from './contributions.ts';
import { titleOf } from './conversationItems.ts';
import type { History } from './history.ts';
import type { ImportProgress } from './import/progress.ts';
import type { ListChoice } from './listChoice.ts';
import { withoutIcons } from './plainText.ts';
import type { RecentProblems } from './recentProblems.ts';

/** What the commands act on. */
export interface CommandContext {
  client: InstanceClient;
  history: History;
  chats: Chats;
  editors: ChatEditors;
  choice: ListChoice;
  secrets: SecretStorage;
  problems: RecentProblems;
  progress: ImportProgress;
  log: LogOutputChannel;
}

/** What a command is to act on, as far as it was told. */
export interface Target {
  /** The id of a conversation, from the tree or a panel; a file, from the editor's own menus. */
  argument: string | undefined;
  /** The number of a message, where one is meant. */
  seq: number | undefined;
  /** All rows that are selected, if the command was chosen on one of them. */
  selected: readonly string[];
}

/** What a command does. */
export type Command = (context: CommandContext, target: Target) => Promise<void> | void;

/** Those of the conversations that were selected; otherwise the one that is meant or, failing that, picked. */
export async function chooseSeveral(
  context: CommandContext,
  { argument, selected }: Target,
  question: string,
): Promise<Conversation[]> {
  const live = context.history.live();
  const ids = new Set(selected);
  const several = live.filter(({ id }) => ids.has(id));
  if (several.length > 0) return several;
  const one = await choose(live, argument ?? context.chats.current.selected, question);
  return one ? [one] : [];
}

/** The conversation that was named or is shown, or the one that the user picks; undefined when nothing was picked. */
export function chooseOne(
  { history, chats }: CommandContext,
  { argument }: Target,
  question: string,
): Promise<Conversation | undefined> {
  return choose(history.live(), argument ?? chats.current.selected, question);
}

/** The conversation with the given id, or the one that the user picks; undefined when nothing was picked. */
export async function choose(
  conversations: readonly Conversation[],
  id: string | null | undefined,
  placeHolder: string,
): Promise<Conversation | undefined> {
  const named = conversations.find((conversation) => conversation.id === id);
  return named ?? (await window.showQuickPick(conversations.map(toPick), { placeHolder }))?.conversation;
}

export function toPick(conversation: Conversation): QuickPickItem & { conversation: Conversation } {
  return {
    label: withoutIcons(titleOf(conversation)),
    description: new Date(conversation.updatedAt).toLocaleString(),
    conversation,
  };
}

/** Shows a conversation in the view, ready to be written in. */
export async function showInView({ chats }: CommandContext, conversationId: string): Promise<void> {
  chats.view.select(conversationId);
  await focusView();
  chats.view.focusComposer();
}

/** Shows a message in the view. */
export async function showMessage({ chats }: CommandContext, conversationId: string, seq: number): Promise<void> {
  chats.view.select(conversationId, { seq });
  await focusView();
}

/** Shows a conversation where the user is. */
export async function showHere(context: CommandContext, conversationId: string): Promise<void> {
  const chat: ChatController = context.chats.current;
  if (chat === context.chats.view) return showInView(context, conversationId);
  chat.select(conversationId);
  chat.focusComposer();
}

export async function focusView(): Promise<void> {
  await editor.executeCommand(`${views.chat}.focus`);
}

/** Tells the user something that needs no answer. */
export function say(text: string): void {
  void window.showInformationMessage(text);
}

/** Tells the user that there is nothing to choose from, where that is so. */
export function isEmpty(conversations: readonly Conversation[]): boolean {
  if (conversations.length === 0) say(l10n.t('The bin is empty.'));
  return conversations.length === 0;
}
