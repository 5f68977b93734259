import { useSignalEffect } from '@preact/signals';
import { useRef } from 'preact/hooks';
import { usePanel } from './context.ts';
import { fieldClass } from './growth.ts';
import { SendIcon } from './icons.tsx';
import { isEnter } from './keys.ts';

/** Where messages are written. */
export function Composer() {
  const panel = usePanel();
  const { strings } = panel;
  const field = useRef<HTMLTextAreaElement>(null);
  const text = panel.drafts.value[panel.draftKey.value] ?? '';

  useSignalEffect(() => {
    if (panel.focusRequests.value > 0) field.current?.focus();
  });

  const send = () => {
    panel.send();
    field.current?.focus();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (!isEnter(event)) return;
    event.preventDefault();
    send();
  };
  return (
    <footer class="composer">
      <div class="inputBox">
        <textarea
          ref={field}
          class={fieldClass(text)}
          rows={1}
          aria-label={strings.message}
          placeholder={strings.placeholder}
          value={text}
          onInput={(event) => panel.write(panel.draftKey.value, event.currentTarget.value || null)}
          onKeyDown={onKeyDown}
        />
        <button
          type="button"
          class="send"
          aria-label={strings.send}
          title={strings.send}
          disabled={text.trim() === ''}
          onClick={send}
        >
          <SendIcon />
        </button>
      </div>
      {panel.view.value?.hasModel === false && <p class="hint">{strings.notebook}</p>}
    </footer>
  );
}
