import type { RefObject } from 'preact';
import { useLayoutEffect } from 'preact/hooks';
import { usePanel } from './context.ts';
import { highlightWords } from './highlights.ts';
import type { ScrollKeeper } from './scroll.ts';

/** Highlights what is searched for, also in what is rendered later, and shows the place in the message gone to. */
export function useHighlights(feed: RefObject<HTMLElement | null>, keeper: RefObject<ScrollKeeper | null>): void {
  const { find } = usePanel();
  const [words, current] = [find.words.value, find.current.value];
  useLayoutEffect(() => {
    if (!feed.current) return;
    const list = feed.current;
    let isShown = false;
    const highlight = () => {
      const [first] = highlightWords(list, words, current);
      if (first && !isShown) keeper.current?.reveal(first);
      isShown ||= first !== undefined;
    };
    highlight();
    if (words.length === 0) return;
    const observer = new MutationObserver(highlight);
    observer.observe(list, { childList: true, subtree: true, characterData: true });
    return () => observer.disconnect();
  }, [words, current]);
}
