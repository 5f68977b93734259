import MarkdownIt from 'markdown-it';
import { addMath } from './math.ts';
import { addTasks } from './tasks.ts';

/** The schemes that a link in a message may have; in particular neither `command:` nor `javascript:`. */
export const SAFE_URL = /^(?:https?:\/\/|mailto:)/i;

/** Makes a parser that knows formulas, or leaves them as they are written. */
export function makeParser({ hasMath }: { hasMath: boolean }) {
  const markdown = new MarkdownIt({ html: false, linkify: true, breaks: true });
  markdown.validateLink = (url) => SAFE_URL.test(url);
  // Without a scheme every `main.rs` and `setup.py` would become a link.
  markdown.linkify.set({ fuzzyLink: false, fuzzyEmail: false });
  addTasks(markdown);
  if (hasMath) addMath(markdown);

  const { rules } = markdown.renderer;
  rules['link_open'] = (tokens, index, options, _env, renderer) => {
    const token = tokens[index];
    const url = String(token?.attrGet('href') ?? '');
    // One without an address would lead to the panel's own page.
    if (token)
      token.attrs = SAFE_URL.test(url)
        ? [
            ['href', url],
            ['title', url],
          ]
        : [];
    return renderer.renderToken(tokens, index, options);
  };

  // Nothing is loaded from elsewhere: an image becomes a link to it.
  rules['image'] = (tokens, index) => {
    const image = tokens[index];
    const address = String(image?.attrGet('src') ?? '');
    const url = markdown.utils.escapeHtml(address);
    const text = markdown.utils.escapeHtml(image?.content ?? '') || url;
    const isInLink = tokens.slice(0, index).reduce((depth, { type }) => depth + linkDepth(type), 0) > 0;
    return isInLink || !SAFE_URL.test(address) ? text : `<a href="${url}" title="${url}">${text}</a>`;
  };

  // The content security policy ignores style attributes, the parser's own way to align a column.
  for (const cell of ['th_open', 'td_open']) {
    rules[cell] = (tokens, index, options, _env, renderer) => {
      const token = tokens[index];
      const align = /^text-align:(\w+)$/.exec(String(token?.attrGet('style') ?? ''))?.[1];
      if (token && align) token.attrs = [['align', align]];
      return renderer.renderToken(tokens, index, options);
    };
  }
  return markdown;
}

function linkDepth(tokenType: string): number {
  if (tokenType === 'link_open') return 1;
  return tokenType === 'link_close' ? -1 : 0;
}
