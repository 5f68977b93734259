import hljs from 'highlight.js/lib/common';

/** Code as HTML with the classes of its highlighting; null when the language is none of the common ones. */
export function highlight(code: string, language: string): string | null {
  return hljs.getLanguage(language) ? hljs.highlight(code, { language, ignoreIllegals: true }).value : null;
}
