import { effect, type ReadonlySignal } from '@preact/signals';
import type { PanelParams, PanelState } from '../../protocol/panel.ts';
import type { Timeline } from './timeline.ts';

/** How long a message must wait to be worth mentioning, in ms. */
const NOTICEABLE = 1000;

/** What is on screen, as far as it matters here. */
interface Screen {
  currentId: ReadonlySignal<string | null>;
  timeline: ReadonlySignal<Timeline | null>;
  state: ReadonlySignal<PanelState>;
}

/** Tells when the end of a conversation is on screen, up to which number, and when it no longer is. */
export function tellSeen({ currentId, timeline, state }: Screen, tell: (seen: PanelParams<'seen'>) => void): void {
  let told = '';
  effect(() => {
    const conversationId = currentId.value;
    const pages = timeline.value?.pages.value;
    const newest = pages?.rows.at(-1)?.seq ?? 0;
    if (conversationId === null || newest === 0) {
      told = '';
      return;
    }
    const isAtEnd = state.value.anchors[conversationId] === undefined && newest === pages?.lastSeq;
    const seen = { conversationId, seq: isAtEnd ? newest : null };
    if (JSON.stringify(seen) === told) return;
    told = JSON.stringify(seen);
    tell(seen);
  });
}

/** Tells how many messages wait to be stored, when they have done so for a moment. */
export function tellUnsent(entries: ReadonlySignal<readonly unknown[]>, tell: (count: number) => void): void {
  let told = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  effect(() => {
    const count = entries.value.length;
    clearTimeout(timer);
    if (count === told) return;
    timer = setTimeout(() => {
      told = count;
      tell(count);
    }, NOTICEABLE);
  });
}
