import type { MarkdownIt, StateBlock, StateInline } from 'markdown-it';

/** What encloses a formula that stands by itself. */
const blocks = [
  ['$$', '$$'],
  ['\\[', '\\]'],
] as const;

/** A formula within a line. A dollar before a digit or after a blank is one of money. */
const INLINE = /\$\$([^$]{1,2000})\$\$|\$(?!\s)([^$\n]{0,2000}?[^\s$\\])\$(?!\d)|\\\(((?:(?!\\\)).){1,2000})\\\)/sy;

/** Recognises formulas, and shows their source; see `formulas.ts` for the rest. */
export function addMath(markdown: MarkdownIt): void {
  const { escapeHtml } = markdown.utils;
  markdown.block.ruler.before('list', 'math_block', blockRule, {
    alt: ['paragraph', 'reference', 'blockquote', 'list'],
  });
  markdown.inline.ruler.before('escape', 'math_inline', inlineRule);
  markdown.renderer.rules['math_block'] = (tokens, index) =>
    `<pre class="math">${escapeHtml(tokens[index]?.content ?? '')}</pre>\n`;
  markdown.renderer.rules['math_inline'] = (tokens, index) =>
    `<code class="math">${escapeHtml(tokens[index]?.content ?? '')}</code>`;
}

/** A formula must not contain an empty line: it would change what was taken for paragraphs when it is closed. */
function blockRule(state: StateBlock, startLine: number, endLine: number, silent: boolean): boolean {
  const lineAt = (line: number) => state.getLines(line, line + 1, state.blkIndent, false).trim();
  const isOutside = (line: number) => state.isEmpty(line) || (state.sCount[line] ?? 0) < state.blkIndent;
  const first = lineAt(startLine);
  const [open, close] = blocks.find(([start]) => first.startsWith(start)) ?? [];
  if (!open || !close || (state.sCount[startLine] ?? 0) - state.blkIndent >= 4) return false;
  const content: string[] = [];
  for (let line = startLine; line < endLine && !isOutside(line); line++) {
    const text = line === startLine ? first.slice(open.length) : lineAt(line);
    const end = text.indexOf(close);
    if (end < 0) content.push(text);
    // What goes on behind it stands within a paragraph.
    else if (end + close.length < text.length) return false;
    else {
      if (silent) return true;
      content.push(text.slice(0, end));
      const token = state.push('math_block', 'pre', 0);
      token.content = content.join('\n').trim();
      token.map = [startLine, line + 1];
      state.line = line + 1;
      return true;
    }
  }
  return false;
}

function inlineRule(state: StateInline, silent: boolean): boolean {
  INLINE.lastIndex = state.pos;
  const match = INLINE.exec(state.src);
  if (!match || INLINE.lastIndex > state.posMax) return false;
  if (!silent) state.push('math_inline', 'code', 0).content = (match[1] ?? match[2] ?? match[3] ?? '').trim();
  state.pos += match[0].length;
  return true;
}
