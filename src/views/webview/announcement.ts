import type { Message } from '../../protocol/model.ts';
import type { PanelStrings } from '../../protocol/panel.ts';
import { readParts } from '../../protocol/parts.ts';
import { type Pages, reachesEnd } from './pages.ts';

const LONGEST = 200;

/** What a screen reader should say about rows before they are merged: the newest that appears or ends, or null. */
export function announcementOf(held: Pages, incoming: readonly Message[], strings: PanelStrings): string | null {
  // Of a conversation that is still to be fetched, or whose end is not held, only what was not known to exist is news.
  const newest = (reachesEnd(held) ? held.rows.at(-1)?.seq : undefined) ?? held.lastSeq;
  const worthy = incoming.findLast((row) => {
    if (row.deletedAt !== null || row.status === 'streaming') return false;
    const before = held.rows.find(({ seq }) => seq === row.seq);
    return before ? before.status === 'streaming' : row.seq > newest;
  });
  if (!worthy) return null;
  const text = readParts(worthy.parts).failure?.message ?? worthy.content;
  return `${authorOf(worthy, strings)}: ${text.slice(0, LONGEST).toWellFormed()}`;
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
