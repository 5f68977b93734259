import { useComputed } from '@preact/signals';
import type { Message } from '../../protocol/model.ts';
import { usePanel } from './context.ts';
import { IconButton } from './iconButton.tsx';
import { NextIcon, PreviousIcon } from './icons.tsx';
import { fill } from './strings.ts';

/** Leads from a message to its other versions, where it has any. */
export function Versions({ message: { id } }: { message: Message }) {
  const { replies, strings } = usePanel();
  const versions = useComputed(() => replies.arrangement.value.alternatives.get(id)).value;
  if (!versions) return null;
  const index = versions.indexOf(id);
  const to = (step: number) => {
    const next = versions[index + step];
    if (next !== undefined) replies.show(next, versions);
  };
  return (
    <div class="versions">
      <IconButton name={strings.previousVersion} disabled={index === 0} onClick={() => to(-1)}>
        <PreviousIcon />
      </IconButton>
      {fill(strings.version, index + 1, versions.length)}
      <IconButton name={strings.nextVersion} disabled={index === versions.length - 1} onClick={() => to(1)}>
        <NextIcon />
      </IconButton>
    </div>
  );
}
