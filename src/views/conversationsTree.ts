import { setTimeout as wait } from 'node:timers/promises';
import {
  Disposable,
  EventEmitter,
  commands as editor,
  l10n,
  type TreeDataProvider,
  TreeItem,
  type TreeView,
  window,
} from 'vscode';
import type { InstanceClient } from '../instance/client/instanceClient.ts';
import type { Chats } from './chats.ts';
import { commands, contextKeys, openRow, views } from './contributions.ts';
import {
  filterConversations,
  groupConversations,
  type Listing,
  nestSubagents,
  nextMidnight,
  outdatedElements,
} from './conversationGroups.ts';
import { sourceName, toGroupItem, tooltipOf, toRowItem } from './conversationItems.ts';
import type { History } from './history.ts';
import type { ListChoice } from './listChoice.ts';
import type { Presence } from './presence.ts';

/** How long changes are gathered before the list is drawn, in ms. */
const PAUSE = 50;

/** The least time from one drawing of the list to the next, in ms: while an agent's history is read, it never rests. */
const INTERVAL = 250;

/** How often a row that was clicked is looked for, and the pauses between, in ms. */
const LOOKS = 40;
const BETWEEN = 50;

/** What the list is made of. */
export interface ListPorts {
  client: InstanceClient;
  history: History;
  chats: Chats;
  presence: Presence;
  choice: ListChoice;
}

/** Registers the list of conversations; its selection follows what the current chat shows. */
export function registerConversationsTree(ports: ListPorts): Disposable {
  const { client, history, chats, presence, choice } = ports;
  let listing = list(ports);
  let drawing: NodeJS.Timeout | undefined;
  let drawnAt = -INTERVAL;
  let midnight: NodeJS.Timeout | undefined;
  const changed = new EventEmitter<string[] | undefined>();
  const provider: TreeDataProvider<string> = {
    onDidChangeTreeData: changed.event,
    getChildren: (parent) => (parent === undefined ? listing.groups.map(({ key }) => key) : members(listing, parent)),
    getParent: (element) => parentOf(listing, element),
    getTreeItem: (element) => toItem(listing, element),
    // Asked for only where there is no tooltip yet.
    resolveTreeItem: async (item, element) => {
      const row = listing.rows.get(element);
      const usage = client.request('conversation/usage', { conversationId: element }).catch(() => undefined);
      if (row) item.tooltip = tooltipOf(row.conversation, await usage);
      return item;
    },
  };
  const tree = window.createTreeView(views.conversations, { treeDataProvider: provider, canSelectMany: true });
  const follow = () => void reveal(tree, listing, chats.current.selected);
  const draw = () => {
    clearTimeout(drawing);
    drawing = undefined;
    drawnAt = performance.now();
    const before = listing;
    listing = list(ports);
    const outdated = outdatedElements(before, listing);
    if (outdated?.length !== 0) changed.fire(outdated);
    showUnread(tree, history.unread());
    const { selected } = chats.current;
    if (selected !== null && !before.rows.has(selected)) follow();
  };
  const choose = () => {
    draw();
    showChoice(tree, choice);
  };
  const drawSoon = () => {
    drawing ??= setTimeout(draw, Math.max(PAUSE, drawnAt + INTERVAL - performance.now()));
  };
  const waitForMidnight = () => {
    const now = Date.now();
    midnight = setTimeout(() => {
      draw();
      waitForMidnight();
    }, nextMidnight(now) - now);
  };
  history.events.on('updated', drawSoon);
  presence.events.on('changed', drawSoon);
  choice.events.on('changed', choose);
  chats.events.on('selected', follow);
  waitForMidnight();
  showChoice(tree, choice);
  return Disposable.from(
    tree,
    changed,
    editor.registerCommand(openRow, () => openSelected(tree)),
    tree.onDidChangeVisibility(follow),
    new Disposable(() => {
      clearTimeout(drawing);
      clearTimeout(midnight);
      history.events.off('updated', drawSoon);
      presence.events.off('changed', drawSoon);
      choice.events.off('changed', choose);
      chats.events.off('selected', follow);
    }),
  );
}

function list({ history, presence, choice }: ListPorts): Listing {
  const conversations = filterConversations(history.live(), choice.filter);
  const { top, below } = nestSubagents(conversations);
  const rows = conversations.map((conversation) => {
    const { id } = conversation;
    return [id, { conversation, windows: presence.windows(id), subagents: below.get(id) ?? [] }] as const;
  });
  return { groups: groupConversations(top, choice.grouping, Date.now()), rows: new Map(rows) };
}

function members(listing: Listing, parent: string): string[] {
  const row = listing.rows.get(parent);
  return row ? [...row.subagents] : (listing.groups.find(({ key }) => key === parent)?.ids ?? []);
}

function parentOf(listing: Listing, element: string): string | undefined {
  const group = listing.groups.find(({ ids }) => ids.includes(element));
  if (group || !listing.rows.has(element)) return group?.key;
  return [...listing.rows].find(([, { subagents }]) => subagents.includes(element))?.[0];
}

function toItem(listing: Listing, element: string): TreeItem {
  const row = listing.rows.get(element);
  if (row) return toRowItem(row);
  const group = listing.groups.find(({ key }) => key === element);
  // The tree may ask for what has gone since it was listed; it is about to list anew.
  return group ? toGroupItem(group) : new TreeItem('');
}

function showUnread(tree: TreeView<string>, unread: number): void {
  if ((tree.badge?.value ?? 0) === unread) return;
  tree.badge = unread > 0 ? { value: unread, tooltip: l10n.t('Unread messages: {0}', unread) } : undefined;
}

/** Says what the list is filtered by, and lets menus know how it is grouped. */
function showChoice(tree: TreeView<string>, { filter, grouping }: ListChoice): void {
  tree.description = [filter.source && sourceName(filter.source), filter.tag && `#${filter.tag}`]
    .filter((part) => part !== undefined)
    .join(' · ');
  void editor.executeCommand('setContext', contextKeys.isFiltered, tree.description !== '');
  void editor.executeCommand('setContext', contextKeys.grouping, grouping);
}

/** Shows the row that is selected. While the editor lists the rows anew, it does not know which one that is. */
async function openSelected(tree: TreeView<string>): Promise<void> {
  for (let look = 0; tree.selection.length === 0 && look < LOOKS; look++) await wait(BETWEEN);
  const [id] = tree.selection;
  if (id !== undefined) await editor.executeCommand(commands.openConversation, id);
}

async function reveal(tree: TreeView<string>, listing: Listing, id: string | null): Promise<void> {
  if (id !== null && tree.visible && listing.rows.has(id)) await tree.reveal(id, { select: true, focus: false });
}
