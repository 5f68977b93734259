import type { Random } from '../support/random.ts';
import { textHash } from './history/digest.ts';

/** Texts longer than this do not come along with the news of their change. */
const LONG = 21_000;

/** The word that begins the text of a message, and by which the search index must find it and no other. */
export const wordOf = (messageId: string): string => `w${messageId.replaceAll('-', '')}`;

/** A text that no other message has, now and then long, or with what SQLite cannot store. */
export function textOf(messageId: string, random: Random): { content: string; hash: string } {
  const extra = random.pick(['', '', '', ' 🙂', ' \0', ' \ud800', ' '.repeat(random.next() < 0.05 ? LONG : 1)]);
  const content = `${wordOf(messageId)} ${random.whole(0, 2 ** 31)}${extra}`;
  return { content, hash: textHash(content.toWellFormed().replaceAll('\0', '\ufffd')) };
}
