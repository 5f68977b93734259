import { useSignalEffect } from '@preact/signals';
import { useRef } from 'preact/hooks';
import { DraftAttachments } from './attachments.tsx';
import { usePanel } from './context.ts';
import { fieldClass } from './growth.ts';
import { IconButton } from './iconButton.tsx';
import { AttachIcon, ChevronDownIcon, SendIcon, StopIcon } from './icons.tsx';
import { isEnter } from './keys.ts';
import { modelName } from './modelName.ts';

/** Where messages are written. */
export function Composer() {
  const panel = usePanel();
  const { strings, writing } = panel;
  const field = useRef<HTMLTextAreaElement>(null);
  const text = panel.drafts.value[panel.draftKey.value] ?? '';

  useSignalEffect(() => {
    if (panel.focusRequests.value > 0) field.current?.focus();
  });

  const send = () => {
    writing.send();
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
        <DraftAttachments />
        <div class="inputRow">
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
          <SendOrStop isEmpty={text.trim() === ''} onSend={send} />
        </div>
      </div>
      {writing.problem.value && (
        <p class="outcome" role="alert">
          {writing.problem}
        </p>
      )}
      <Asking />
    </footer>
  );
}

/** Sends; while a reply is being written, ends that instead. Enter sends all the same. */
function SendOrStop({ isEmpty, onSend }: { isEmpty: boolean; onSend: () => void }) {
  const { replies, strings, report } = usePanel();
  const isReplying = replies.running.value.length > 0;
  const name = isReplying ? strings.stop : strings.send;
  return (
    <button
      type="button"
      class="send"
      aria-label={name}
      title={name}
      disabled={isEmpty && !isReplying}
      onClick={() => (isReplying ? replies.stop().catch(report) : onSend())}
    >
      {isReplying ? <StopIcon /> : <SendIcon />}
    </button>
  );
}

/** Who is asked, and what can go along. */
function Asking() {
  const { api, replies, strings, view, report } = usePanel();
  const model = replies.model.value;
  const name = model === null ? strings.noModel : modelName(model);
  return (
    <>
      <div class="asking">
        <button
          type="button"
          class="model"
          aria-label={`${strings.chooseModel}: ${name}`}
          title={model ?? strings.chooseModel}
          onClick={() => replies.selectModel().catch(report)}
        >
          <span>{name}</span>
          <ChevronDownIcon />
        </button>
        {model !== null && (
          <IconButton
            name={strings.attach}
            onClick={() => api.request('runCommand', { command: 'devchat.attach' }).catch(report)}
          >
            <AttachIcon />
          </IconButton>
        )}
      </div>
      {model === null && view.value?.hasModel === false && <p class="hint">{strings.notebook}</p>}
    </>
  );
}
