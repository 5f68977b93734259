import { env, l10n, MarkdownString, ThemeColor, ThemeIcon, TreeItem, TreeItemCollapsibleState } from 'vscode';
import type { Conversation } from '../protocol/model.ts';
import { commands, itemContexts } from './contributions.ts';
import { type Group, monthOf, type Row } from './conversationGroups.ts';

/** The title to show for a conversation, also when nobody has named it. */
export function titleOf({ title }: Pick<Conversation, 'title'>): string {
  return title === '' ? l10n.t('New conversation') : title;
}

/** The name of a source, as users know it. */
export function sourceName(source: string): string {
  const names: Record<string, string> = {
    chat: 'DevChat',
    'claude-code': 'Claude Code',
    codex: 'Codex',
    gemini: 'Gemini',
    'copilot-cli': 'Copilot CLI',
    'vscode-chat': 'VS Code Chat',
  };
  return names[source] ?? source;
}

export function toGroupItem({ key, ids }: Group): TreeItem {
  const isFolded = key === 'archived' || monthOf(key) !== undefined;
  const { Collapsed, Expanded } = TreeItemCollapsibleState;
  const item = new TreeItem(groupTitle(key), isFolded ? Collapsed : Expanded);
  item.id = key;
  item.contextValue = itemContexts.group;
  item.description = String(ids.length);
  return item;
}

export function toRowItem({ conversation, windows }: Row): TreeItem {
  const { id, unread, tags } = conversation;
  const item = new TreeItem(titleOf(conversation));
  item.id = id;
  item.description = [
    unread > 0 && l10n.t('{0} unread', unread),
    windows > 0 && l10n.t('in {0} windows', windows + 1),
    ...tags.map((tag) => `#${tag}`),
  ]
    .filter((part) => part !== false)
    .join(' · ');
  item.iconPath = iconOf(conversation);
  item.contextValue = contextOf(conversation);
  item.tooltip = tooltipOf(conversation);
  item.command = { command: commands.openConversation, title: l10n.t('Open Conversation'), arguments: [id] };
  return item;
}

function iconOf({ unread, source, parentId }: Conversation): ThemeIcon {
  if (unread > 0) return new ThemeIcon('circle-filled', new ThemeColor('notificationsInfoIcon.foreground'));
  if (parentId !== null) return new ThemeIcon('git-branch');
  return new ThemeIcon(source === 'chat' ? 'comment-discussion' : 'hubot');
}

/** Menus match single words of it. */
function contextOf({ pinnedAt, archivedAt }: Conversation): string {
  const { conversation, pinned, archived } = itemContexts;
  return [conversation, pinnedAt !== null && pinned, archivedAt !== null && archived].filter(Boolean).join(' ');
}

function tooltipOf(conversation: Conversation): MarkdownString {
  const { source, updatedAt, tags, lastSeq } = conversation;
  const lines = [
    titleOf(conversation),
    sourceName(source),
    l10n.t('Messages: {0}', lastSeq),
    new Date(updatedAt).toLocaleString(env.language),
    ...(tags.length > 0 ? [tags.map((tag) => `#${tag}`).join(' ')] : []),
  ];
  return new MarkdownString().appendText(lines.join('\n\n'));
}

function groupTitle(key: string): string {
  if (key.startsWith('source:')) return sourceName(key.slice('source:'.length));
  const month = monthOf(key);
  if (month !== undefined) {
    return new Intl.DateTimeFormat(env.language, { month: 'long', year: 'numeric' }).format(month);
  }
  const titles: Record<string, string> = {
    pinned: l10n.t('Pinned'),
    today: l10n.t('Today'),
    yesterday: l10n.t('Yesterday'),
    lastWeek: l10n.t('Last 7 Days'),
    archived: l10n.t('Archived'),
  };
  return titles[key] ?? key;
}
