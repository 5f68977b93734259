import type { Message } from '../../protocol/model.ts';
import type { PanelStrings } from '../../protocol/panel.ts';
import type { Pages } from './pages.ts';

const LONGEST = 200;

/** What a screen reader should say about rows before they are merged: the newest that appears or ends, or null. */
export function announcementOf(held: Pages, incoming: readonly Message[], strings: PanelStrings): string | null {
  // Of a conversation that is still to be fetched, nothing is news.
  const newest = held.rows.at(-1)?.seq ?? held.lastSeq;
  const worthy = incoming.findLast((row) => {
    if (row.deletedAt !== null || row.status === 'streaming') return false;
    const before = held.rows.find(({ seq }) => seq === row.seq);
    return before ? before.status === 'streaming' : row.seq > newest;
  });
  return worthy ? `${authorOf(worthy, strings)}: ${worthy.content.slice(0, LONGEST)}` : null;
}

/** Who wrote a message, in words for the reader. */
export function authorOf({ author, role }: Message, strings: PanelStrings): string {
  const roles = {
    user: strings.roleUser,
    assistant: strings.roleAssistant,
    system: strings.roleSystem,
    tool: strings.roleTool,
  };
  return author ?? roles[role];
}
