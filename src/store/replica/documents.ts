import type { EntityType } from '../../protocol/hub.ts';
import { equal } from '../../protocol/patch.ts';

/** A conversation or a message as the hub has it, or as it is to be there; JSON. */
export type Document = Record<string, unknown>;

/** What of an entity may be edited. All else is fixed when it is created, or is the hub's to say. */
const editable: Record<EntityType, readonly string[]> = {
  conversation: ['title', 'deletedAt'],
  message: ['role', 'author', 'content', 'parts', 'status', 'model', 'deletedAt'],
};

/** Longest piece of a text that one change brings, in UTF-16 code units, so that every change fits into a frame. */
const MAX_PIECE = 2_000_000;

/** The members of a document that may be edited, and nothing else. */
export function editableOf(type: EntityType, document: Document): Document {
  return Object.fromEntries(editable[type].map((name) => [name, document[name] ?? null]));
}

/** Whether two documents say the same, as far as they can be edited. Of a deletion, only the fact counts. */
export function sayTheSame(type: EntityType, one: Document, other: Document): boolean {
  return editable[type].every((name) => sameMember(name, one[name], other[name]));
}

function sameMember(name: string, one: unknown, other: unknown): boolean {
  if (name === 'deletedAt') return isSet(one) === isSet(other);
  return equal(one ?? null, other ?? null);
}

/** Whether it is in the bin, or a tombstone. */
export function isDeleted(document: Document): boolean {
  return isSet(document['deletedAt']);
}

function isSet(value: unknown): boolean {
  return value !== null && value !== undefined;
}

/**
 * Joins two edits of one document, member by member.
 * @returns undefined where both have changed the same member, each in its own way
 */
export function merge(
  type: EntityType,
  { base, local, remote }: { base: Document; local: Document; remote: Document },
): Document | undefined {
  const merged: Document = { ...remote };
  for (const name of editable[type]) {
    if (sameMember(name, local[name], base[name]) || sameMember(name, local[name], remote[name])) continue;
    if (!sameMember(name, remote[name], base[name])) return undefined;
    merged[name] = local[name];
  }
  return merged;
}

/**
 * What to tell next of a document that one change cannot bring: of a text that is too long, as much as a change can bring,
 * as a message that still grows; of a conversation that was renamed and deleted, the name.
 * @param told what the hub has of it; undefined for nothing
 */
export function nextStep(document: Document, told: Document | undefined): Document {
  const { title, content } = document;
  if (title !== undefined && told && title !== told['title']) return { ...document, deletedAt: told['deletedAt'] };
  if (typeof content !== 'string') return document;
  const before = typeof told?.['content'] === 'string' ? told['content'] : '';
  const kept = content.startsWith(before) ? before.length : 0;
  if (content.length - kept <= MAX_PIECE) return document;
  const end = kept + MAX_PIECE;
  const isWhole = (content.codePointAt(end - 1) ?? 0) <= 0xffff;
  return { ...document, content: content.slice(0, isWhole ? end : end - 1), status: 'streaming' };
}
