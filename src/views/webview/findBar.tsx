import { useSignalEffect } from '@preact/signals';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { usePanel } from './context.ts';
import { IconButton } from './iconButton.tsx';
import { CloseIcon, DownIcon, UpIcon } from './icons.tsx';
import { isEnter } from './keys.ts';
import { fill } from './strings.ts';

/** The search within the conversation, opened by Ctrl+F. */
export function FindBar() {
  const { currentId, find, timeline } = usePanel();
  const returnTo = useRef<Element | null>(null);
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      const isFind = event.key.toLowerCase() === 'f' && (event.ctrlKey || event.metaKey);
      if (!isFind || event.altKey || event.shiftKey || currentId.value === null) return;
      event.preventDefault();
      // The editor hands keys of the panel on to its own commands.
      event.stopPropagation();
      if (!find.isOpen.value) returnTo.current = document.activeElement;
      find.isOpen.value = true;
      document.querySelector<HTMLInputElement>('.find input')?.select();
    };
    document.addEventListener('keydown', onKeyDown);
    return () => document.removeEventListener('keydown', onKeyDown);
  }, []);

  useSignalEffect(() => {
    // New messages may have the words, too.
    void timeline.value?.lastSeq.value;
    if (find.isOpen.value && currentId.value !== null) void find.search(currentId.value);
  });

  const close = () => {
    const found = document.querySelector(`[role=article][data-seq="${find.current.value}"]`) ?? returnTo.current;
    find.close();
    if (found instanceof HTMLElement) found.focus({ preventScroll: true });
  };
  return find.isOpen.value ? <OpenFindBar onClose={close} /> : null;
}

function OpenFindBar({ onClose }: { onClose: () => void }) {
  const { find, strings } = usePanel();
  const field = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => field.current?.select(), []);

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Escape') onClose();
    else if (isEnter(event)) find.step(1);
    else if (event.key === 'Enter' && event.shiftKey) find.step(-1);
    else return;
    event.preventDefault();
  };
  const { total, position, query } = find;
  const count = total.value === 0 ? strings.noResults : fill(strings.resultOf, position.value, total.value);
  return (
    <search class="find" aria-label={strings.find}>
      <input
        ref={field}
        class="query"
        type="text"
        aria-label={strings.find}
        placeholder={strings.find}
        value={query}
        onInput={(event) => {
          query.value = event.currentTarget.value;
        }}
        onKeyDown={onKeyDown}
      />
      <output class={total.value === 0 ? 'count none' : 'count'}>{query.value.trim() === '' ? '' : count}</output>
      <IconButton name={strings.previousMatch} disabled={total.value === 0} onClick={() => find.step(-1)}>
        <UpIcon />
      </IconButton>
      <IconButton name={strings.nextMatch} disabled={total.value === 0} onClick={() => find.step(1)}>
        <DownIcon />
      </IconButton>
      <IconButton name={strings.close} onClick={onClose}>
        <CloseIcon />
      </IconButton>
    </search>
  );
}
