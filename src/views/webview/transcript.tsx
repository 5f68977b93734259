import type { VNode } from 'preact';
import { useMemo, useRef } from 'preact/hooks';
import type { Message } from '../../protocol/model.ts';
import { usePanel } from './context.ts';
import { DownIcon } from './icons.tsx';
import { MessageArticle } from './message.tsx';
import { emptyPages, items, reachesEnd } from './pages.ts';
import { onRovingFocus, onRovingKey } from './roving.ts';
import { shownItems } from './shownItems.ts';
import { Skeleton } from './skeleton.tsx';
import type { Timeline } from './timeline.ts';
import { Unsent } from './unsent.tsx';
import { useReading } from './useReading.ts';

interface TranscriptProps {
  conversationId: string | null;
  timeline: Timeline | null;
}

/** The messages of one conversation; give it the conversation's id as its key. */
export function Transcript({ conversationId, timeline }: TranscriptProps) {
  const { strings, replies, unsent, view } = usePanel();
  const scroller = useRef<HTMLDivElement>(null);
  const feed = useRef<HTMLDivElement>(null);
  const pages = timeline?.pages.value ?? emptyPages;
  const { hasNewBelow, goTo } = useReading({ conversationId, timeline, pages, scroller, feed });
  const articleOf = useMemo(() => articlesOf(timeline), [timeline]);
  const hasEnd = reachesEnd(pages);
  const shown = shownItems(items(pages), replies.arrangement.value);
  const name = { 'aria-label': strings.conversation };

  const isEmpty = view.value?.connection === 'ready' && pages.lastSeq === 0 && unsent.value.length === 0;
  return (
    <div class="transcript">
      <div class="scroller" ref={scroller}>
        {/* biome-ignore lint/a11y/noStaticElementInteractions: a feed without articles would be none */}
        <div
          ref={feed}
          class="feed"
          role={shown.length > 0 ? 'feed' : 'group'}
          {...name}
          onKeyDown={(event) => onRovingKey(event, goTo)}
          onFocusIn={onRovingFocus}
        >
          {shown.map((item) => ('seq' in item ? articleOf(item) : <Skeleton key={`gap-${item.to}`} range={item} />))}
        </div>
        {hasEnd && <Unsent />}
      </div>
      {isEmpty && (
        <div class="empty">
          <h2>{conversationId === null ? strings.empty : strings.emptyConversation}</h2>
          <p>{conversationId === null ? strings.emptyHint : strings.emptyConversationHint}</p>
        </div>
      )}
      {(hasNewBelow || !hasEnd) && <ToEnd hasNew={hasNewBelow} onClick={() => goTo('end')} />}
    </div>
  );
}

/** The way to the newest message. */
function ToEnd({ hasNew, onClick }: { hasNew: boolean; onClick: () => void }) {
  const { strings } = usePanel();
  const name = hasNew ? strings.newMessages : strings.toEnd;
  return (
    <button type="button" class={hasNew ? 'toEnd new' : 'toEnd'} aria-label={name} title={name} onClick={onClick}>
      <DownIcon />
      {hasNew && name}
    </button>
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
