import type { Message } from './model.ts';
import { readParts } from './parts.ts';

/** The messages of a conversation as a reader sees them. */
export interface Arrangement {
  /** In order; of each group of alternatives, one and what follows on it. */
  shown: Message[];
  /** Ids of the others. */
  hidden: ReadonlySet<string>;
  /** For each message shown that has alternatives: the ids of all of them, in order, its own among them. */
  alternatives: Map<string, string[]>;
}

/**
 * Chooses what is shown of messages among which some are alternatives of each other: a second answer to the same
 * question, or an edited question. What follows on an alternative is shown only with it; nothing else is ever hidden,
 * so messages that two windows send at the same time both stay.
 * @param messages in order of their numbers; of a conversation known in part, what is known
 * @param chosen ids of alternatives to show; of the others, the one where something was written last is shown
 */
export function arrange(messages: readonly Message[], chosen: ReadonlySet<string> = new Set()): Arrangement {
  const { parents, groups } = linksOf(messages);
  const newest = newestBelow(messages, parents);
  const picked = new Map<string, string>();
  for (const [group, { members }] of groups) {
    const latest = members.toSorted((a, b) => (newest.get(a) ?? 0) - (newest.get(b) ?? 0)).at(-1);
    picked.set(group, members.find((id) => chosen.has(id)) ?? latest ?? '');
  }
  const hidden = new Set<string>();
  const alternatives = new Map<string, string[]>();
  for (const [group, { members }] of groups) {
    for (const id of members) if (id !== picked.get(group)) hidden.add(id);
    if (members.length > 1) alternatives.set(picked.get(group) ?? '', members);
  }
  for (const { id } of messages) if (hidden.has(parents.get(id) ?? '')) hidden.add(id);
  const shown = messages.filter(({ id }) => !hidden.has(id));
  for (const id of hidden) alternatives.delete(id);
  return { shown, hidden, alternatives };
}

/**
 * The messages that lead up to one, itself the last: where they branch, the branch that it is on.
 * @param messages in order of their numbers, as far as they are known
 */
export function leadingTo(messages: readonly Message[], last: Message): Message[] {
  // Of what was written up to it, it was itself written last.
  return arrange(messages.filter(({ seq }) => seq <= last.seq)).shown;
}

interface Links {
  /** By message id, the message that it follows. */
  parents: Map<string, string | undefined>;
  /** By id of the first member, each group of alternatives. */
  groups: Map<string, Group>;
}

interface Group {
  /** What all members follow; so none follows another, whatever their links say. */
  parent: string | undefined;
  /** Without those that were deleted. */
  members: string[];
}

function linksOf(messages: readonly Message[]): Links {
  const parents: Links['parents'] = new Map();
  const groups: Links['groups'] = new Map();
  const groupOf = new Map<string, string>();
  const live = new Set<string>();
  let previous: string | undefined;
  for (const { id, parts, deletedAt } of messages) {
    const { replyTo = previous, alternativeOf } = readParts(parts, ['replyTo', 'alternativeOf']);
    previous = id;
    if (deletedAt === null) live.add(id);
    if (alternativeOf === undefined) {
      // What is known already came before, so no link makes a circle.
      parents.set(id, parents.has(replyTo ?? '') ? replyTo : undefined);
      continue;
    }
    const first = groupOf.get(alternativeOf) ?? alternativeOf;
    const group = groups.get(first) ?? { parent: parents.get(first), members: live.has(first) ? [first] : [] };
    groupOf.set(id, first);
    groups.set(first, group);
    parents.set(id, group.parent);
    if (deletedAt === null) group.members.push(id);
  }
  return { parents, groups };
}

/** By message id, the highest number among the message and what follows on it. */
function newestBelow(messages: readonly Message[], parents: Links['parents']): Map<string, number> {
  const newest = new Map(messages.map(({ id, seq }) => [id, seq]));
  for (const { id } of messages.toReversed()) {
    const parent = parents.get(id);
    if (parent !== undefined) newest.set(parent, Math.max(newest.get(parent) ?? 0, newest.get(id) ?? 0));
  }
  return newest;
}
