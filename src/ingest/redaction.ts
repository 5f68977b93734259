import { secretRules } from './secretRules.ts';

/** The hints of all rules, the longest first, and as one pattern. */
const allHints = [...new Set(secretRules.flatMap((rule) => rule.hints))].sort((a, b) => b.length - a.length);
const anyHint = allHints.map((hint) => hint.replace(/\W/g, '\\$&')).join('|');

/** Finds whether any rule has to be tried, which in many texts is none. */
const someHint = new RegExp(anyHint);

/** Finds every place where a hint begins, also within another one, and the longest that begins there. */
const everyHint = new RegExp(`(?=(${anyHint}))`, 'g');

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
  if (!someHint.test(text)) return { text, count: 0 };
  const present = hintsIn(text);
  let result = text;
  let count = 0;
  for (const { name, pattern, hints, random } of secretRules) {
    if (!hints.some((hint) => present.has(hint))) continue;
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

/** Replaces secrets in the text of a field, whose name may be what makes it one. */
export function replaceNamed(text: string, name: string | undefined, replace: (text: string) => string): string {
  const prefix = name === undefined ? '' : `${name}: `;
  const named = replace(prefix + text);
  return named.startsWith(prefix) ? named.slice(prefix.length) : replace(text);
}

/** The hints that occur in a text, found in one pass: looking for each of them takes longer than all the rest. */
function hintsIn(text: string): ReadonlySet<string> {
  const longest = new Set<string>();
  for (const [, hint = ''] of text.matchAll(everyHint)) longest.add(hint);
  return new Set(allHints.filter((hint) => [...longest].some((other) => other.startsWith(hint))));
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
