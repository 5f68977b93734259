import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { serialiseError } from '../../protocol/errors.ts';
import type { Message } from '../../protocol/model.ts';
import { usePanel } from './context.ts';
import { fieldClass } from './growth.ts';
import { isEnter } from './keys.ts';

/** Edits a message in its place; the unfinished text is kept like a draft. */
export function MessageEditor({ message }: { message: Message }) {
  const panel = usePanel();
  const { strings, replies, writing } = panel;
  const field = useRef<HTMLTextAreaElement>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const hasModel = replies.model.value !== null;
  const text = panel.drafts.value[message.id] ?? '';

  useLayoutEffect(() => {
    const editor = field.current;
    panel.edits.keepRevision(message);
    // One that only comes back into the list takes no keys from the composer.
    if (!(document.activeElement instanceof HTMLTextAreaElement)) editor?.focus({ preventScroll: true });
    editor?.setSelectionRange(text.length, text.length);
    return () => {
      // The message went away under the writer, whose next keys should not be lost.
      if (editor && document.activeElement === editor && document.hasFocus()) panel.focusRequests.value++;
    };
  }, []);

  const close = () => {
    const article = field.current?.closest<HTMLElement>('[role=article]');
    panel.write(message.id, null);
    article?.focus();
  };
  const save = async () => {
    if (text.trim() === '') return;
    try {
      if (text !== message.content) await panel.edits.save(message, text);
      close();
    } catch (error) {
      setProblem(serialiseError(error).message);
    }
  };
  const sendInstead = () => {
    try {
      writing.sendInstead(message, text);
      close();
    } catch (error) {
      setProblem(serialiseError(error).message);
    }
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const act = isEnter(event) ? save : event.key === 'Escape' ? close : null;
    if (!act) return;
    event.preventDefault();
    void act();
  };
  return (
    <div class="editor">
      <textarea
        ref={field}
        class={fieldClass(text)}
        rows={1}
        aria-label={strings.edit}
        value={text}
        onInput={(event) => panel.write(message.id, event.currentTarget.value)}
        onKeyDown={onKeyDown}
      />
      {problem && (
        <p class="outcome" role="alert">
          {problem}
        </p>
      )}
      <div class="actions">
        <button type="button" class="secondary" onClick={close}>
          {strings.cancel}
        </button>
        <button type="button" class={hasModel ? 'secondary' : 'primary'} disabled={text.trim() === ''} onClick={save}>
          {strings.save}
        </button>
        {hasModel && (
          <button type="button" class="primary" disabled={text.trim() === ''} onClick={sendInstead}>
            {strings.saveAndSend}
          </button>
        )}
      </div>
    </div>
  );
}
