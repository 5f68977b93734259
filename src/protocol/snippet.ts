/** Marks around a match in a snippet: private-use characters, which no message needs. */
export const MARK_START = '\uE000';
export const MARK_END = '\uE001';

/** A snippet on one line, without the marks around its matches. */
export function plainSnippet(snippet: string): string {
  return snippet
    .replace(/[\uE000\uE001]/gu, '')
    .replace(/\s+/gu, ' ')
    .trim();
}
