import { setImmediate as nextTurn } from 'node:timers/promises';

/** How long a recovery keeps its process busy at a stretch, in ms. */
const STRETCH = 20;

/** Serves whoever waits for this process, when it has been busy for long: to be awaited in every long loop. */
export type Pause = () => Promise<void>;

export function pauses(): Pause {
  let since = performance.now();
  return async () => {
    if (performance.now() - since < STRETCH) return;
    await nextTurn();
    since = performance.now();
  };
}
