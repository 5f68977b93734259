import type { Arrangement } from '../../protocol/alternatives.ts';
import type { Message } from '../../protocol/model.ts';
import type { SeqRange } from '../../sync/sequence.ts';

/** Of messages that are versions of each other only one, with what follows on it; stretches that are missing stay. */
export function shownItems(
  items: readonly (Message | SeqRange)[],
  { hidden }: Pick<Arrangement, 'hidden'>,
): readonly (Message | SeqRange)[] {
  return hidden.size === 0 ? items : items.filter((item) => !('seq' in item && hidden.has(item.id)));
}
