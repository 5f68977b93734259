import { useSignal } from '@preact/signals';
import type { VNode } from 'preact';
import { useLayoutEffect, useMemo, useRef } from 'preact/hooks';
import type { Message } from '../../protocol/model.ts';
import { usePanel } from './context.ts';
import { DownIcon } from './icons.tsx';
import { MessageArticle } from './message.tsx';
import { emptyPages, items } from './pages.ts';
import { onRovingFocus, onRovingKey, provideTabStop } from './roving.ts';
import { ScrollKeeper } from './scroll.ts';
import { Skeleton } from './skeleton.tsx';
import type { Timeline } from './timeline.ts';
import { Unsent } from './unsent.tsx';

interface TranscriptProps {
  conversationId: string | null;
  timeline: Timeline | null;
}

/** The messages of one conversation; give it the conversation's id as its key. */
export function Transcript({ conversationId, timeline }: TranscriptProps) {
  const panel = usePanel();
  const { strings, state, unsent, view } = panel;
  const scroller = useRef<HTMLDivElement>(null);
  const feed = useRef<HTMLDivElement>(null);
  const keeper = useRef<ScrollKeeper>(null);
  const hasNewBelow = useSignal(false);
  const articleOf = useMemo(() => articlesOf(timeline), [timeline]);
  const pages = timeline?.pages.value ?? emptyPages;
  const shown = items(pages);
  const newest = pages.rows.findLast(({ deletedAt }) => deletedAt === null);
  const seen = useRef(Number.POSITIVE_INFINITY);
  const lastUnsentId = unsent.value.at(-1)?.messageId;
  const sentBefore = useRef(lastUnsentId);

  useLayoutEffect(() => {
    if (!scroller.current || !feed.current) return;
    const current = new ScrollKeeper(scroller.current, feed.current, {
      anchor: (conversationId && state.peek().anchors[conversationId]) || null,
      onMove: (anchor) => {
        if (conversationId) panel.keepAnchor(conversationId, anchor);
        if (anchor === null) hasNewBelow.value = false;
      },
      onNearTop: () => conversationId && panel.timelines.loadOlder(conversationId),
    });
    keeper.current = current;
    return () => current.dispose();
  }, []);

  useLayoutEffect(() => {
    if (lastUnsentId !== undefined && lastUnsentId !== sentBefore.current) keeper.current?.toEnd();
    sentBefore.current = lastUnsentId;
  }, [lastUnsentId]);

  useLayoutEffect(() => {
    if (feed.current) provideTabStop(feed.current);
    if (!Number.isFinite(pages.from)) return;
    // What was there when the conversation was opened is not news.
    if (!Number.isFinite(seen.current)) seen.current = pages.lastSeq;
    const anchor = keeper.current?.anchor;
    // A place too far back was not loaded again.
    if (anchor && anchor.seq < pages.from) keeper.current?.toEnd();
    else keeper.current?.settle();
    if (newest && newest.seq > seen.current) {
      seen.current = newest.seq;
      hasNewBelow.value = keeper.current?.anchor !== null && !panel.outbox.isOwn(newest.id);
    }
  }, [pages]);

  const isEmpty = view.value?.connection === 'ready' && pages.lastSeq === 0 && unsent.value.length === 0;
  return (
    <div class="transcript">
      <div class="scroller" ref={scroller}>
        <div
          ref={feed}
          class="feed"
          role="feed"
          aria-label={strings.conversation}
          onKeyDown={onRovingKey}
          onFocusIn={onRovingFocus}
        >
          {shown.map((item) => ('seq' in item ? articleOf(item) : <Skeleton key={`gap-${item.to}`} range={item} />))}
        </div>
        <Unsent />
      </div>
      {isEmpty && (
        <div class="empty">
          <h2>{conversationId === null ? strings.empty : strings.emptyConversation}</h2>
          <p>{conversationId === null ? strings.emptyHint : strings.emptyConversationHint}</p>
        </div>
      )}
      {hasNewBelow.value && (
        <button type="button" class="newMessages" onClick={() => keeper.current?.toEnd()}>
          <DownIcon />
          {strings.newMessages}
        </button>
      )}
    </div>
  );
}

/** The same element for the same row, so that a change renders only the messages that it touches. */
function articlesOf(timeline: Timeline | null): (message: Message) => VNode | null {
  const known = new WeakMap<Message, VNode>();
  return (message) => {
    if (!timeline) return null;
    const article = known.get(message) ?? (
      <MessageArticle key={message.id} message={message} lastSeq={timeline.lastSeq} />
    );
    known.set(message, article);
    return article;
  };
}
