import DOMPurify from 'dompurify';
import MarkdownIt from 'markdown-it';

/** The schemes that a link in a message may have; in particular neither `command:` nor `javascript:`. */
const SAFE_URL = /^(?:https?:\/\/|mailto:)/i;
/** Longer texts are shown as they are: parsing them would freeze the panel. */
const LONGEST_MARKDOWN = 200_000;

const markdown = new MarkdownIt({ html: false, linkify: true, breaks: true });
markdown.validateLink = (url) => SAFE_URL.test(url);
// Without a scheme every `main.rs` and `setup.py` would become a link.
markdown.linkify.set({ fuzzyLink: false, fuzzyEmail: false });

const { rules } = markdown.renderer;
rules['link_open'] = (tokens, index, options, _env, renderer) => {
  const token = tokens[index];
  token?.attrSet('title', String(token.attrGet('href') ?? ''));
  return renderer.renderToken(tokens, index, options);
};

// Nothing is loaded from elsewhere: an image becomes a link to it.
rules['image'] = (tokens, index) => {
  const image = tokens[index];
  const url = markdown.utils.escapeHtml(String(image?.attrGet('src') ?? ''));
  const text = markdown.utils.escapeHtml(image?.content ?? '') || url;
  const isInLink = tokens.slice(0, index).reduce((depth, { type }) => depth + linkDepth(type), 0) > 0;
  return isInLink ? text : `<a href="${url}" title="${url}">${text}</a>`;
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

function linkDepth(tokenType: string): number {
  if (tokenType === 'link_open') return 1;
  return tokenType === 'link_close' ? -1 : 0;
}

/** A message's text as elements that run nothing and load nothing. */
export function renderMarkdown(text: string): Node {
  if (text.length > LONGEST_MARKDOWN) {
    const plain = document.createElement('pre');
    plain.textContent = text;
    return plain;
  }
  return DOMPurify.sanitize(markdown.render(text), {
    ALLOWED_TAGS: [
      ...['p', 'br', 'hr', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'blockquote', 'ul', 'ol', 'li', 'pre', 'code'],
      ...['em', 'strong', 's', 'a', 'table', 'thead', 'tbody', 'tr', 'th', 'td'],
    ],
    ALLOWED_ATTR: ['href', 'title', 'class', 'align', 'start'],
    ALLOW_DATA_ATTR: false,
    ALLOW_ARIA_ATTR: false,
    ALLOWED_URI_REGEXP: SAFE_URL,
    RETURN_DOM_FRAGMENT: true,
  });
}
