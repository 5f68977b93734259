import { type Conversation, tagKey } from '../protocol/model.ts';

/** What the list of conversations is divided by. */
export type Grouping = 'time' | 'source';

/** Which conversations are listed; without both, all are. */
export interface ConversationFilter {
  source?: string;
  tag?: string;
}

/** A stretch of the list: `pinned`, `today`, `yesterday`, `lastWeek`, `month:YYYY-MM`, `source:NAME` or `archived`. */
export interface Group {
  key: string;
  ids: string[];
}

/** A conversation with how many other windows show it, and the ids of those of its subagents, oldest first. */
export interface Row {
  conversation: Conversation;
  windows: number;
  subagents: readonly string[];
}

/** The list as it is shown. */
export interface Listing {
  groups: Group[];
  rows: ReadonlyMap<string, Row>;
}

const DAYS_OF_WEEK = 7;

/** The conversations that a filter lets through. */
export function filterConversations(
  conversations: readonly Conversation[],
  { source, tag }: ConversationFilter,
): Conversation[] {
  return conversations.filter(
    (conversation) =>
      (source === undefined || conversation.source === source) &&
      (tag === undefined || conversation.tags.some((one) => tagKey(one) === tagKey(tag))),
  );
}

/**
 * Puts the conversations of subagents below those of the sessions that have started them, as far as these are there;
 * whose that is, their external ids tell. Pinned and archived ones stand by themselves.
 */
export function nestSubagents(conversations: readonly Conversation[]): {
  top: Conversation[];
  /** The ids of those below a conversation, by its id. */
  below: Map<string, string[]>;
} {
  const sessions = new Map(conversations.map((one) => [`${one.source} ${one.externalId}`, one.id]));
  const parentOf = ({ source, externalId, pinnedAt, archivedAt }: Conversation) => {
    const end = externalId?.lastIndexOf('/') ?? -1;
    if (end < 0 || pinnedAt !== null || archivedAt !== null) return undefined;
    return sessions.get(`${source} ${externalId?.slice(0, end)}`);
  };
  const top: Conversation[] = [];
  const below = new Map<string, string[]>();
  for (const [parent, members] of Map.groupBy(conversations, parentOf)) {
    if (parent === undefined) top.push(...members);
    else below.set(parent, members.map(({ id }) => id).sort());
  }
  return { top, below };
}

/**
 * Divides conversations, whose order is kept. Pinned ones come first and archived ones last, whatever the grouping.
 * @param now Unix ms; days and months are those of this machine's time zone
 */
export function groupConversations(conversations: readonly Conversation[], grouping: Grouping, now: number): Group[] {
  const starts = [0, 1, DAYS_OF_WEEK].map((days) => startOfDay(now, -days));
  const keyOf = (conversation: Conversation) => {
    if (conversation.archivedAt !== null) return 'archived';
    if (conversation.pinnedAt !== null) return 'pinned';
    return grouping === 'source' ? `source:${conversation.source}` : timeKey(conversation.updatedAt, starts);
  };
  const { pinned, archived, ...others } = Object.groupBy(conversations, keyOf);
  const parts = [['pinned', pinned] as const, ...Object.entries(others), ['archived', archived] as const];
  return parts.flatMap(([key, members]) => (members ? { key, ids: members.map(({ id }) => id) } : []));
}

/** When the groups by time are next other ones, in Unix ms. */
export function nextMidnight(now: number): number {
  return startOfDay(now, 1);
}

/** The first moment of the month that a group stands for, in Unix ms; undefined when it stands for none. */
export function monthOf(key: string): number | undefined {
  const [, year, month] = /^month:(\d+)-(\d+)$/.exec(key) ?? [];
  return year === undefined ? undefined : new Date(Number(year), Number(month) - 1).getTime();
}

/**
 * What must be drawn anew so that another listing is shown: groups whose rows are other ones, and rows.
 * @returns undefined when all must, because a row in two groups at a time would be an error
 */
export function outdatedElements(before: Listing, after: Listing): string[] | undefined {
  if (!haveSameMembers(before.groups, after.groups)) return undefined;
  const moved = after.groups.filter(({ ids }, index) =>
    ids.some((id, place) => id !== before.groups[index]?.ids[place]),
  );
  const drawn = new Set(moved.flatMap(({ ids }) => ids));
  const changed = [...after.rows].filter(([id, row]) => !drawn.has(id) && !isSameRow(row, before.rows.get(id)));
  return [...moved.map(({ key }) => key), ...changed.map(([id]) => id)];
}

function haveSameMembers(before: readonly Group[], after: readonly Group[]): boolean {
  if (before.length !== after.length) return false;
  return after.every(({ key, ids }, index) => {
    const same = before[index];
    const known = new Set(same?.ids);
    return same?.key === key && known.size === ids.length && ids.every((id) => known.has(id));
  });
}

function isSameRow(one: Row, other: Row | undefined): boolean {
  if (one.windows !== other?.windows || one.subagents.join() !== other.subagents.join()) return false;
  return one.conversation === other.conversation || looksOf(one.conversation) === looksOf(other.conversation);
}

/**
 * What is to be seen of a conversation; its last activity to the minute. A reply that is being written changes the row
 * twice a second, and to draw it anew costs each window more than the reply itself.
 */
function looksOf({ revision, lastReadSeq, updatedAt, ...rest }: Conversation): string {
  return JSON.stringify({ ...rest, minute: Math.floor(updatedAt / 60_000) });
}

function timeKey(time: number, [today = 0, yesterday = 0, lastWeek = 0]: readonly number[]): string {
  if (time >= today) return 'today';
  if (time >= yesterday) return 'yesterday';
  if (time >= lastWeek) return 'lastWeek';
  const date = new Date(time);
  return `month:${date.getFullYear()}-${String(date.getMonth() + 1).padStart(2, '0')}`;
}

/** By the calendar: days that begin or end daylight saving time are not 24 hours long. */
function startOfDay(time: number, days: number): number {
  const date = new Date(time);
  return new Date(date.getFullYear(), date.getMonth(), date.getDate() + days).getTime();
}
