import type { SeqRange } from '../../sync/sequence.ts';
import { usePanel } from './context.ts';

/** Stands for messages that are known to exist and are not here yet. */
export function Skeleton({ range }: { range: SeqRange }) {
  return (
    <div
      class={range.to > range.from ? 'skeleton tall' : 'skeleton'}
      role="img"
      aria-label={usePanel().strings.loading}
      data-skeleton
      data-from={range.from}
      data-to={range.to}
    >
      <i />
      <i />
      <i />
    </div>
  );
}
