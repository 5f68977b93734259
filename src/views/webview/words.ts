const WORD = /[\p{L}\p{N}\p{M}_]+/gu;
// biome-ignore lint/suspicious/noControlCharactersInRegex: all that is plain ASCII
const ASCII = /^[\x00-\x7f]*$/;

/** A stretch of a text, in UTF-16 code units; `to` is behind it. */
export interface Stretch {
  from: number;
  to: number;
}

/** The words that a query asks for, as {@link findWords} takes them. */
export function wordsOf(query: string): string[] {
  return fold(query).match(WORD) ?? [];
}

/** Where a text has the words of a query, the last one also as a beginning, as the search index sees them. */
export function findWords(text: string, words: readonly string[]): Stretch[] {
  const last = words.at(-1);
  if (last === undefined) return [];
  const found: Stretch[] = [];
  for (const { 0: word, index: from } of fold(text).matchAll(WORD)) {
    if (words.includes(word)) found.push({ from, to: from + word.length });
    else if (word.startsWith(last)) found.push({ from, to: from + last.length });
  }
  return found;
}

/** A text without capitals and diacritics, as long as before. */
function fold(text: string): string {
  return ASCII.test(text) ? text.toLowerCase() : Array.from(text, foldCharacter).join('');
}

function foldCharacter(character: string): string {
  // By way of capitals, because small letters that share one are the same to the index, such as both sigmas.
  const folded = character.normalize('NFD').replace(/\p{M}/gu, '').toUpperCase().toLowerCase();
  return folded.length === character.length ? folded : character;
}
