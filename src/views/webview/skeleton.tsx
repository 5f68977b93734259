import type { SeqRange } from '../../sync/sequence.ts';
import { usePanel } from './context.ts';

/** Stands for messages that are known to exist and are not here yet. */
export function Skeleton({ range }: { range: SeqRange }) {
  return (
    <div
      class={range.to > range.from ? 'skeleton tall' : 'skeleton'}
      data-skeleton
      data-from={range.from}
      data-to={range.to}
    >
      <span class="visuallyHidden">{usePanel().strings.loading}</span>
      <i />
      <i />
      <i />
    </div>
  );
}
