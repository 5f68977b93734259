import type { Env, MarkdownIt, Token } from 'markdown-it';

/** How much of a text was rendered for good. */
export interface Settled {
  /** The text itself: blocks that no further text can change. */
  text: string;
  /** The link definitions that are in it. */
  own: References;
  /** The link definitions that its links were looked up in. */
  known: References;
}

/** HTML, still to be sanitised, of what goes on behind the settled text. */
export interface Rendering {
  /** Blocks that are settled now. */
  settled: string;
  /** The last blocks, which further text may change. */
  open: string;
  after: Settled;
}

type References = NonNullable<Env['references']>;

export const nothingSettled: Settled = { text: '', own: {}, known: {} };

/**
 * Renders a text that begins with a settled one; only what is not settled is parsed. Null when all has to be rendered
 * anew, because it ends with a link definition that what is settled did not know.
 */
export function renderNext(markdown: MarkdownIt, text: string, before: Settled): Rendering | null {
  const rest = text.slice(before.text.length);
  const env: Env = { references: { ...before.own } };
  const tokens = markdown.parse(rest, env);
  const known = env.references ?? {};
  if (before.text !== '' && !isEqual(known, before.known)) return null;
  const begin = beginOfOpen(tokens, rest);
  const render = (part: Token[]) => markdown.renderer.render(part, markdown.options, env);
  const settledText = before.text + rest.slice(0, begin.offset);
  return {
    settled: render(tokens.slice(0, begin.index)),
    open: render(tokens.slice(begin.index)),
    after: { text: settledText, own: isEqual(known, {}) ? {} : referencesIn(markdown, settledText), known },
  };
}

/**
 * Where the last block begins that stands behind an empty line and whose first line is complete. What comes before it
 * has ended: a block that goes on behind empty lines does so by how the next line begins.
 */
function beginOfOpen(tokens: readonly Token[], text: string): { index: number; offset: number } {
  const lines = linesOf(text);
  for (let index = tokens.length - 1; index > 0; index--) {
    const token = tokens[index];
    const line = token?.level === 0 && token.nesting >= 0 ? (token.map?.[0] ?? 0) : 0;
    const isComplete = line > 0 && line < lines.length - 1;
    if (isComplete && isBlank(text.slice(lines[line - 1], lines[line]))) return { index, offset: lines[line] ?? 0 };
  }
  return { index: 0, offset: 0 };
}

/** Where the lines of a text begin. */
function linesOf(text: string): number[] {
  return [0, ...Array.from(text.matchAll(/\r\n?|\n/g), ({ index, 0: end }) => index + end.length)];
}

function isBlank(line: string): boolean {
  return /^[ \t\r\n]*$/.test(line);
}

function referencesIn(markdown: MarkdownIt, text: string): References {
  const env: Env = {};
  markdown.parse(text, env);
  return env.references ?? {};
}

function isEqual(a: References, b: References): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
