import DOMPurify, { type Config } from 'dompurify';
import { SAFE_URL } from './parser.ts';

const strict = { ALLOW_DATA_ATTR: false, ALLOW_ARIA_ATTR: false, RETURN_DOM_FRAGMENT: true } as const;

const text = {
  ...strict,
  ALLOWED_TAGS: [
    ...['p', 'br', 'hr', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'blockquote', 'ul', 'ol', 'li', 'pre', 'code'],
    ...['em', 'strong', 's', 'a', 'table', 'thead', 'tbody', 'tr', 'th', 'td', 'label', 'input'],
  ],
  ALLOWED_ATTR: ['href', 'title', 'class', 'align', 'start', 'type', 'checked', 'disabled'],
  ALLOWED_URI_REGEXP: SAFE_URL,
  // Every other attribute is taken for an address.
  ADD_URI_SAFE_ATTR: ['align', 'start', 'type'],
};

const coloured = { ...strict, ALLOWED_TAGS: ['span'], ALLOWED_ATTR: ['class'] };

const formula = {
  ...strict,
  USE_PROFILES: { mathMl: true },
  // The source of the formula, which stands beside it.
  ADD_FORBID_CONTENTS: ['annotation'],
  FORBID_ATTR: ['href', 'xlink:href', 'src', 'style'],
};

/** Each has its own sanitiser: to take in a configuration takes as long as to sanitise a short text. */
const sanitisers = { text: sanitiserFor(text), coloured: sanitiserFor(coloured), formula: sanitiserFor(formula) };

/** HTML as elements that run nothing and load nothing: a message's text, coloured code, or a formula. */
export function sanitise(html: string, profile: keyof typeof sanitisers): DocumentFragment {
  return sanitisers[profile](html);
}

function sanitiserFor(config: Config & { RETURN_DOM_FRAGMENT: true }): (html: string) => DocumentFragment {
  const sanitiser = DOMPurify(window);
  sanitiser.setConfig(config);
  return (html) => sanitiser.sanitize(html, config);
}
