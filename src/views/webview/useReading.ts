import { useSignal } from '@preact/signals';
import type { RefObject } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { usePanel } from './context.ts';
import { type Destination, END } from './destination.ts';
import { type Pages, reachesEnd } from './pages.ts';
import { type End, provideTabStop } from './roving.ts';
import { ScrollKeeper } from './scroll.ts';

import type { Timeline } from './timeline.ts';
import { useHighlights } from './useHighlights.ts';

const MARKED_MS = 2000;

interface Reading {
  conversationId: string | null;
  timeline: Timeline | null;
  pages: Pages;
  /** What scrolls, and in it the list of messages. */
  scroller: RefObject<HTMLElement | null>;
  feed: RefObject<HTMLElement | null>;
}

/** Keeps the reader's place in a conversation, moves what is held along with it, and goes where the reader wants to. */
export function useReading({ conversationId, timeline, pages, scroller, feed }: Reading) {
  const panel = usePanel();
  const { destination, state, timelines, unsent } = panel;
  const keeper = useRef<ScrollKeeper>(null);
  const hasNewBelow = useSignal(false);
  const seen = useRef(Number.POSITIVE_INFINITY);
  const lastUnsentId = unsent.value.at(-1)?.messageId;
  const sentBefore = useRef(lastUnsentId);
  const wish = destination.value?.conversationId === conversationId ? destination.value : null;
  const hadFocus = feed.current?.contains(document.activeElement) ?? false;

  useLayoutEffect(() => {
    if (!scroller.current || !feed.current) return;
    const current = new ScrollKeeper(scroller.current, feed.current, {
      anchor: (conversationId && state.peek().anchors[conversationId]) || null,
      onMove: (anchor) => {
        if (conversationId) panel.keepAnchor(conversationId, anchor);
        if (anchor === null) hasNewBelow.value = false;
      },
      reachesEnd: () => !timeline || reachesEnd(timeline.pages.peek()),
      onNearTop: () => conversationId && timelines.loadOlder(conversationId),
      onNearBottom: () => conversationId && timelines.loadNewer(conversationId),
    });
    keeper.current = current;
    return () => current.dispose();
  }, []);

  useLayoutEffect(() => {
    if (conversationId && lastUnsentId !== undefined && lastUnsentId !== sentBefore.current)
      panel.goTo({ conversationId, seq: END, takesFocus: false, isMarked: false });
    sentBefore.current = lastUnsentId;
  }, [lastUnsentId]);

  useLayoutEffect(() => {
    if (!keeper.current || !feed.current) return;
    provideTabStop(feed.current);
    if (!Number.isFinite(pages.from)) return;
    if (wish) follow(wish, keeper.current);
    else keeper.current.settle();
    // What had the focus may have been too far away to be kept.
    if (hadFocus && document.activeElement === document.body) focus(keeper.current.anchor?.seq ?? END);
    timeline?.shrink(keeper.current.anchor?.seq ?? null);
    noteNews(keeper.current);
  }, [pages, wish]);

  useHighlights(feed, keeper);

  function follow({ conversationId: id, seq, takesFocus, isMarked }: Destination, scroll: ScrollKeeper): void {
    const wanted = Math.min(seq, pages.lastSeq);
    const isHere = wanted === 0 || pages.rows.some((row) => row.seq === wanted);
    timelines.goTo(id, wanted);
    if (seq === END) scroll.toEnd();
    else if (isHere) scroll.settle();
    else scroll.toMessage(seq);
    if (!isHere) return;
    destination.value = null;
    const article = scroll.article(seq);
    if (article) scroll.reveal(article);
    if (article && isMarked) {
      unfold(article);
      mark(article);
    }
    if (takesFocus) focus(seq);
  }

  function focus(seq: number): void {
    const article = keeper.current?.article(seq) ?? feed.current?.querySelector('[role=article]:last-of-type');
    if (article instanceof HTMLElement) article.focus({ preventScroll: true });
  }

  function noteNews(scroll: ScrollKeeper): void {
    const newest = pages.rows.findLast(({ deletedAt }) => deletedAt === null);
    const newestSeq = reachesEnd(pages) ? (newest?.seq ?? 0) : pages.lastSeq;
    // What was there when the conversation was opened is not news.
    if (!Number.isFinite(seen.current)) seen.current = pages.lastSeq;
    if (newestSeq <= seen.current) return;
    seen.current = newestSeq;
    hasNewBelow.value = scroll.anchor !== null && !(newest?.seq === newestSeq && panel.outbox.isOwn(newest.id));
  }

  const goTo = (end: End) => {
    if (conversationId === null) return;
    panel.goTo({ conversationId, seq: end === 'end' ? END : 1, takesFocus: true, isMarked: false });
  };
  return { hasNewBelow: hasNewBelow.value, goTo };
}

/** Shows all of a message: what is meant may be in a part that is folded. */
function unfold(article: HTMLElement): void {
  article.querySelector<HTMLElement>('.showAll')?.click();
  for (const part of article.querySelectorAll('details')) part.open = true;
}

/** Shows for a moment which message was meant. */
function mark(article: HTMLElement): void {
  article.dataset['found'] = '';
  setTimeout(() => {
    delete article.dataset['found'];
  }, MARKED_MS);
}
