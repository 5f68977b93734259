import { findWords } from './words.ts';

/** Names under which the style sheet knows the highlights. */
const ALL = 'devchat-find';
const CURRENT = 'devchat-find-current';

/**
 * Highlights words in the texts of messages, without touching their elements.
 * @returns the ranges in the current message
 */
export function highlightWords(feed: HTMLElement, words: readonly string[], currentSeq: number | null): Range[] {
  // Where the browser knows no such highlights, the message alone is marked.
  if (!CSS.highlights) return [];
  const all = words.length === 0 ? [] : rangesIn(feed, words);
  const current = feed.querySelector(`[data-seq="${currentSeq}"]`);
  const own = all.filter(({ startContainer }) => current?.contains(startContainer));
  CSS.highlights.set(ALL, new Highlight(...all));
  CSS.highlights.set(CURRENT, new Highlight(...own));
  return own;
}

function rangesIn(feed: HTMLElement, words: readonly string[]): Range[] {
  const ranges: Range[] = [];
  for (const body of feed.querySelectorAll('.body')) {
    const texts = document.createTreeWalker(body, NodeFilter.SHOW_TEXT);
    for (let node = texts.nextNode(); node; node = texts.nextNode()) {
      for (const { from, to } of findWords(node.nodeValue ?? '', words)) {
        const range = new Range();
        range.setStart(node, from);
        range.setEnd(node, to);
        ranges.push(range);
      }
    }
  }
  return ranges;
}
