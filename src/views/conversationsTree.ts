import {
  Disposable,
  EventEmitter,
  l10n,
  MarkdownString,
  ThemeIcon,
  type TreeDataProvider,
  TreeItem,
  type TreeView,
  window,
} from 'vscode';
import type { Conversation } from '../protocol/model.ts';
import type { ChatController } from './chatController.ts';
import { commands, itemContexts, views } from './contributions.ts';
import type { History } from './history.ts';

/** Registers the list of conversations; its selection follows what the chat shows. */
export function registerConversationsTree(history: History, chat: ChatController): Disposable {
  const changed = new EventEmitter<void>();
  const provider: TreeDataProvider<string> = {
    onDidChangeTreeData: changed.event,
    getChildren: (parent) => (parent === undefined ? history.live().map(({ id }) => id) : []),
    getParent: () => undefined,
    getTreeItem: (id) => toTreeItem(id, history.get(id)),
  };
  const tree = window.createTreeView(views.conversations, { treeDataProvider: provider });
  const refresh = () => changed.fire();
  const follow = () => void reveal(tree, chat.selected);
  history.events.on('updated', refresh);
  chat.events.on('selected', follow);
  return Disposable.from(
    tree,
    changed,
    tree.onDidChangeVisibility(follow),
    new Disposable(() => {
      history.events.off('updated', refresh);
      chat.events.off('selected', follow);
    }),
  );
}

/** The title to show for a conversation, also when nobody has named it. */
export function titleOf({ title }: Pick<Conversation, 'title'>): string {
  return title === '' ? l10n.t('New conversation') : title;
}

function toTreeItem(id: string, conversation: Conversation | undefined): TreeItem {
  // The tree may ask for an item that has gone since it was listed; it is about to list anew.
  const item = new TreeItem(conversation ? titleOf(conversation) : '');
  item.id = id;
  if (!conversation) return item;
  const changedAt = new Date(conversation.updatedAt).toLocaleString();
  item.iconPath = new ThemeIcon('comment-discussion');
  item.contextValue = itemContexts.conversation;
  item.tooltip = new MarkdownString().appendText(`${titleOf(conversation)}\n\n${changedAt}`);
  item.command = { command: commands.openConversation, title: l10n.t('Open Conversation'), arguments: [id] };
  return item;
}

async function reveal(tree: TreeView<string>, id: string | null): Promise<void> {
  if (id !== null && tree.visible) await tree.reveal(id, { select: true, focus: false });
}
