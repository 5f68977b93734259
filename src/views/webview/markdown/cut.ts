import type { MarkdownIt, Token } from 'markdown-it';

/** A place in a text before which nothing changes any more, whatever follows. */
export interface Cut {
  /** Index of the first token behind it. */
  index: number;
  /** Where the text behind it begins. */
  offset: number;
  /** What encloses both sides: its ends, for what comes before, and its beginnings, for what follows. */
  ends: Token[];
  begins: Token[];
  /** What a list or table needs in front of its next items or rows to be parsed alike; empty outside of one. */
  lead: string;
}

/** A text with its tokens; each line goes with its end. */
interface Parsed {
  tokens: readonly Token[];
  lines: readonly string[];
}

/**
 * The last cut behind `from`: before a block behind an empty line, an item of a list, or a row of a table. Its first
 * line must be complete. What comes before has ended: a block goes on behind empty lines by how the next line begins.
 */
export function lastCut(markdown: MarkdownIt, tokens: readonly Token[], text: string, from: number): Cut | null {
  const parsed = { tokens, lines: linesOf(text) };
  for (let index = tokens.length - 1; index > 0; index--) {
    if (!isComplete(parsed.lines[beginOf(tokens[index])])) continue;
    const start = followsItsLike(parsed, index) ? startOf(tokens, index) : null;
    const cut = start === null ? cutBetween(parsed, index) : cutWithin(markdown, { ...parsed, start, index });
    if (cut) return cut.offset > from ? cut : null;
    // What is wrong with one place in a list is wrong with all.
    if (start !== null) index = start + 1;
  }
  return null;
}

/** The line that a block begins with; 0 for what begins none. */
function beginOf(token: Token | undefined): number {
  return token?.nesting === -1 ? 0 : (token?.map?.[0] ?? 0);
}

function cutBetween({ tokens, lines }: Parsed, index: number): Cut | null {
  const token = tokens[index];
  const line = beginOf(token);
  if (line === 0 || token?.level !== 0 || !isBlank(lines[line - 1])) return null;
  return { index, offset: lengthOf(lines, line), ends: [], begins: [], lead: '' };
}

/** Whether an item or row begins, not the first one, of a list or table that is in nothing else. */
function followsItsLike({ tokens, lines }: Parsed, index: number): boolean {
  const [before, token] = [tokens[index - 1], tokens[index]];
  const line = beginOf(token);
  if (before?.level !== token?.level || line === 0) return false;
  // An item that is indented might belong to the one before it.
  const isItem = token?.level === 1 && before?.type === 'list_item_close' && !/^\s/.test(lines[line] ?? '');
  const isRow = token?.level === 2 && before?.type === 'tr_close';
  return (isItem || isRow) && !mayBeInFormula(lines, line);
}

function startOf(tokens: readonly Token[], index: number): number {
  return tokens.findLastIndex(({ level, nesting }, at) => at < index && level === 0 && nesting === 1);
}

/** A place in a list or table, which begins with the token `start`. */
interface Enclosed extends Parsed {
  start: number;
  index: number;
}

function cutWithin(markdown: MarkdownIt, place: Enclosed): Cut | null {
  const { tokens, start, index } = place;
  const end = tokens.findIndex(({ level, nesting }, at) => at > index && level === 0 && nesting === -1);
  return tokens[start]?.type === 'table_open' ? cutInTable(place, end) : cutInList(markdown, place, end);
}

function cutInTable({ tokens, lines, start, index }: Enclosed, end: number): Cut {
  const head = beginOf(tokens[start]);
  const begins = tokens.slice(start, end).filter(({ type }) => type === 'table_open' || type === 'tbody_open');
  const lead = lines.slice(head, head + 2).join('');
  const offset = lengthOf(lines, beginOf(tokens[index]));
  return { index, offset, ends: tokens.slice(end - 1, end + 1), begins, lead };
}

function cutInList(markdown: MarkdownIt, { tokens, lines, start, index }: Enclosed, end: number): Cut | null {
  const item = tokens[index];
  const line = beginOf(item);
  const marked = `${item?.info === '' ? '' : 1}${item?.markup} x`;
  const isLoose = endsLoose(markdown, lines.slice(beginOf(tokens[start]), line).join('') + marked);
  const paragraph = tokens.slice(start, end).find(({ level, type }) => level === 2 && type === 'paragraph_open');
  // Only what may still change has an empty line: perhaps it will be none.
  if (paragraph?.hidden === isLoose) return null;
  const lead = `${marked}\n${isLoose ? '\n' : ''}`;
  const offset = lengthOf(lines, line);
  return { index, offset, ends: tokens.slice(end, end + 1), begins: tokens.slice(start, start + 1), lead };
}

/** Whether a text that ends with an item of a list has empty lines in that list. */
function endsLoose(markdown: MarkdownIt, text: string): boolean {
  return markdown.parse(text, {}).findLast(({ type }) => type === 'paragraph_open')?.hidden === false;
}

/** Whether a formula may have begun, without an empty line since: closed further on, it would end the list or table. */
function mayBeInFormula(lines: readonly string[], line: number): boolean {
  for (let at = line; at >= 0 && !isBlank(lines[at]); at--)
    if (/^[ \t]*(?:\$\$|\\\[)/.test(lines[at] ?? '')) return true;
  return false;
}

function linesOf(text: string): string[] {
  return text.match(/.*?(?:\r\n?|\n)|.+$/gsu) ?? [];
}

/** The length of the first so many lines. */
function lengthOf(lines: readonly string[], count: number): number {
  return lines.slice(0, count).reduce((length, line) => length + line.length, 0);
}

function isComplete(line = ''): boolean {
  return /[\r\n]$/.test(line);
}

function isBlank(line = ''): boolean {
  return /^[ \t\r\n]*$/.test(line);
}
