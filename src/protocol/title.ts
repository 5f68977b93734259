import { MAX_TITLE_LENGTH } from './model.ts';

/** Longest title made of a text, in characters as a reader counts them. */
const MAX_CHARACTERS = 60;

/** How much of a text is looked at, in UTF-16 code units. */
const MAX_LOOK = 4000;

/** Marks at the beginning of a line: of a heading, a quotation, a list or its tasks. */
const LINE_MARKS = /^(?:\s|#{1,6}(?=\s|$)|>|[-*+](?=\s|$)|\d{1,9}[.)](?=\s|$)|\[[ xX]\](?=\s))+/u;

/** Lines without words: code fences, rules and underlines of headings. */
const WORDLESS = /^(?:`{3,}[^`]*|~{3,}.*|[-*_=\s]+)$/u;

/** Inline marks: code first, since in it the others mean nothing; then links and pictures, bold, struck out, italic. */
const INLINE_MARKS =
  /(`+)(?<code>[^`]+)\1|!?\[(?<link>[^\][]*)\]\([^()\s]*(?:\s[^()]*)?\)|\*\*(?<bold>\S(?:.*?\S)??)\*\*|~~(?<struck>\S(?:.*?\S)??)~~|(?<![\w*])\*(?<italic>[^\s*](?:[^*]*[^\s*])?)\*(?![\w*])/gu;

/**
 * The first words of a text, without Markdown's marks, as the title of its conversation; empty when it has no words.
 * Characters stay whole, emoji of several code points included.
 */
export function titleFrom(content: string): string {
  const lines = content
    .trimStart()
    .slice(0, MAX_LOOK)
    .replace(/[\uD800-\uDBFF]$/u, '')
    .split(/[\r\n]+/u);
  const line = lines.filter((text) => !WORDLESS.test(text)).map(withoutMarks);
  return shorten(line.find((text) => text !== '') ?? '');
}

function withoutMarks(line: string): string {
  return inline(line.replace(LINE_MARKS, '')).replace(/\s+/gu, ' ').trim();
}

function inline(text: string): string {
  return text.replace(INLINE_MARKS, (...match) => {
    const { code, link, bold, struck, italic } = match.at(-1) as Record<string, string | undefined>;
    return code ?? inline(link ?? bold ?? struck ?? italic ?? '');
  });
}

function shorten(line: string): string {
  const characters: string[] = [];
  let length = 0;
  for (const { segment } of new Intl.Segmenter(undefined, { granularity: 'grapheme' }).segment(line)) {
    if (characters.length === MAX_CHARACTERS || length + segment.length > MAX_TITLE_LENGTH) {
      // The ellipsis takes the place of the last character at least.
      return `${characters
        .slice(0, -1)
        .join('')
        .replace(/\s+\S*$/u, '')}…`;
    }
    characters.push(segment);
    length += segment.length;
  }
  return line;
}
