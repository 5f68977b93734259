import { effect, type ReadonlySignal } from '@preact/signals';
import type { PanelState } from '../../protocol/panel.ts';

const PAUSE_MS = 200;

/**
 * Saves the state when it has not changed for a moment, because a whole state is too much for every keystroke; what
 * was handed over is saved at once. Returns what saves the rest without waiting.
 */
export function keepSaved(state: ReadonlySignal<PanelState>, save: (state: PanelState) => void): () => void {
  let saved: PanelState | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const flush = () => {
    clearTimeout(timer);
    const current = state.peek();
    if (current === saved) return;
    save(current);
    saved = current;
  };
  effect(() => {
    clearTimeout(timer);
    if (state.value.outbox === saved?.outbox) timer = setTimeout(flush, PAUSE_MS);
    else flush();
  });
  return flush;
}
