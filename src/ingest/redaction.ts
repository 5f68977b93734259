import { secretRules } from './secretRules.ts';

/** Finds whether any rule has to be tried, which in most texts is none, in one pass. */
const anyHint = new RegExp(
  secretRules
    .flatMap(({ hints }) => hints)
    .map((hint) => hint.replace(/\W/g, '\\$&'))
    .join('|'),
);

/** Bits per character from which on a value looks random. */
const RANDOM_BITS = 3.2;

/** A text without its secrets, and how many there were. */
export interface Redacted {
  text: string;
  count: number;
}

/**
 * Replaces what looks like a secret by its name in brackets, in time proportional to the text. A text that went through
 * before stays as it is.
 */
export function redact(text: string): Redacted {
  if (!anyHint.test(text)) return { text, count: 0 };
  let result = text;
  let count = 0;
  for (const { name, pattern, hints, random } of secretRules) {
    if (!hints.some((hint) => result.includes(hint))) continue;
    result = result.replace(pattern, (match: string, ...rest: unknown[]) => {
      const groups = rest.at(-1);
      const secret = typeof groups === 'object' ? ((groups as { secret?: string }).secret ?? match) : match;
      if (secret.startsWith('[redacted') || (random && !looksRandom(secret))) return match;
      count++;
      // What stands before a secret may say the same, such as a user's name that is the password too.
      const at = match.lastIndexOf(secret);
      return `${match.slice(0, at)}[redacted:${name}]${match.slice(at + secret.length)}`;
    });
  }
  return { text: result, count };
}

/** Whether a value has letters and digits in no order that words or code would have. */
function looksRandom(value: string): boolean {
  if (!/\d/.test(value) || !/[A-Za-z]/.test(value)) return false;
  const counts = new Map<string, number>();
  for (const character of value) counts.set(character, (counts.get(character) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / value.length) * Math.log2(count / value.length);
  return bits >= RANDOM_BITS;
}
