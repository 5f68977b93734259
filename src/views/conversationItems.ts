import { env, l10n, MarkdownString, ThemeColor, ThemeIcon, TreeItem, TreeItemCollapsibleState } from 'vscode';
import type { Usage } from '../protocol/ingest.ts';
import type { Conversation } from '../protocol/model.ts';
import { itemContexts, openRow } from './contributions.ts';
import { type Group, monthOf, type Row } from './conversationGroups.ts';
import { resumeCommand } from './import/resume.ts';

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

export function toRowItem({ conversation, windows, subagents }: Row): TreeItem {
  const { id, unread, tags, origin, isShared } = conversation;
  const { Collapsed, None } = TreeItemCollapsibleState;
  const item = new TreeItem(titleOf(conversation), subagents.length > 0 ? Collapsed : None);
  item.id = id;
  item.description = [
    unread > 0 && l10n.t('{0} unread', unread),
    windows > 0 && l10n.t('in {0} windows', windows + 1),
    isShared && l10n.t('shared'),
    origin?.branch,
    origin?.model,
    ...tags.map((tag) => `#${tag}`),
  ]
    .filter(Boolean)
    .join(' · ');
  item.iconPath = iconOf(conversation);
  item.contextValue = contextOf(conversation);
  // Without arguments: the editor forgets them whenever it draws the row anew, and with them a click that is on its way.
  item.command = { command: openRow, title: l10n.t('Open Conversation') };
  return item;
}

function iconOf({ unread, source, parentId, isShared }: Conversation): ThemeIcon {
  if (unread > 0) return new ThemeIcon('circle-filled', new ThemeColor('notificationsInfoIcon.foreground'));
  if (isShared) return new ThemeIcon('cloud');
  if (parentId !== null) return new ThemeIcon('git-branch');
  return new ThemeIcon(sourceIcons[source] ?? 'hubot');
}

const sourceIcons: Record<string, string> = {
  chat: 'comment-discussion',
  'claude-code': 'sparkle',
  codex: 'terminal',
  gemini: 'star',
  'copilot-cli': 'copilot',
  'vscode-chat': 'vscode',
};

/** Menus match single words of it. */
function contextOf(one: Conversation): string {
  const { conversation, pinned, archived, resumable, shared } = itemContexts;
  const isResumable = resumeCommand(one) !== undefined;
  const states = [one.pinnedAt !== null && pinned, one.archivedAt !== null && archived, one.isShared && shared];
  const words = [...states, isResumable && resumable];
  return [conversation, ...words].filter(Boolean).join(' ');
}

/** @param usage the tokens of an imported conversation */
export function tooltipOf(conversation: Conversation, usage?: Usage): MarkdownString {
  const { source, updatedAt, tags, lastSeq, origin } = conversation;
  const place = [origin?.cwd, origin?.branch, origin?.model].filter((part) => part != null);
  const lines = [
    titleOf(conversation),
    sourceName(source),
    l10n.t('Messages: {0}', lastSeq),
    ...place,
    ...(usage && totalOf(usage) > 0 ? [usageText(usage)] : []),
    new Date(updatedAt).toLocaleString(env.language, { dateStyle: 'medium', timeStyle: 'short' }),
    ...(tags.length > 0 ? [tags.map((tag) => `#${tag}`).join(' ')] : []),
  ];
  return new MarkdownString().appendText(lines.join('\n\n'));
}

function totalOf({ input, output, cacheRead, cacheWrite }: Usage): number {
  return input + output + cacheRead + cacheWrite;
}

function usageText({ input, output, cacheRead, cacheWrite }: Usage): string {
  const [read, written, cached] = [input + cacheWrite, output, cacheRead].map((count) =>
    count.toLocaleString(env.language),
  );
  return l10n.t('Tokens: {0} read, {1} written, {2} from a cache', String(read), String(written), String(cached));
}

function groupTitle(key: string): string {
  if (key.startsWith('source:')) return sourceName(key.slice('source:'.length));
  const month = monthOf(key);
  if (month !== undefined) return monthTitle(new Date(month));
  const titles: Record<string, string> = {
    pinned: l10n.t('Pinned'),
    today: l10n.t('Today'),
    yesterday: l10n.t('Yesterday'),
    lastWeek: l10n.t('Last 7 Days'),
    archived: l10n.t('Archived'),
  };
  return titles[key] ?? key;
}

/** Not by `Intl`: its first use holds up the extension host for 13 ms, and twice that while histories are read. */
function monthTitle(month: Date): string {
  const year = month.getFullYear();
  const titles = [
    l10n.t('January {0}', year),
    l10n.t('February {0}', year),
    l10n.t('March {0}', year),
    l10n.t('April {0}', year),
    l10n.t('May {0}', year),
    l10n.t('June {0}', year),
    l10n.t('July {0}', year),
    l10n.t('August {0}', year),
    l10n.t('September {0}', year),
    l10n.t('October {0}', year),
    l10n.t('November {0}', year),
    l10n.t('December {0}', year),
  ];
  return titles[month.getMonth()] ?? '';
}
