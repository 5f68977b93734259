import type { ReadonlySignal } from '@preact/signals';
import { useComputed } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import type { Message } from '../../protocol/model.ts';
import { authorOf } from './announcement.ts';
import { usePanel } from './context.ts';
import { CopyIcon, DeleteIcon, EditIcon } from './icons.tsx';
import { MessageBody } from './messageBody.tsx';
import { MessageEditor } from './messageEditor.tsx';
import { formatTime, formatTimeInFull } from './time.ts';

/** One message. `lastSeq` stays a signal, so that its changes do not render every message again. */
export function MessageArticle({ message, lastSeq }: { message: Message; lastSeq: ReadonlySignal<number> }) {
  const { drafts, strings } = usePanel();
  const isEditing = useComputed(() => drafts.value[message.id] !== undefined);
  const { id, seq, role, status, createdAt } = message;
  const author = authorOf(message, strings);
  const isOver = status === 'interrupted' || status === 'error';
  return (
    // biome-ignore lint/a11y/useSemanticElements: whatever looks for the attribute must find it
    <div
      class="message"
      role="article"
      tabIndex={-1}
      aria-label={`${author}, ${seq}`}
      aria-posinset={seq}
      aria-setsize={lastSeq}
      aria-busy={status === 'streaming'}
      data-message-id={id}
      data-seq={seq}
      data-role={role}
      data-status={status}
    >
      <header>
        <span class="author">{author}</span>
        <time dateTime={new Date(createdAt).toISOString()} title={formatTimeInFull(createdAt)}>
          {formatTime(createdAt)}
        </time>
        {status === 'complete' && message.revision > 1 && role === 'user' && <span>{strings.edited}</span>}
        {!isEditing.value && <Toolbar message={message} />}
      </header>
      {isEditing.value ? <MessageEditor message={message} /> : <MessageText message={message} />}
      {isOver && <p class="outcome">{strings.interrupted}</p>}
    </div>
  );
}

/** The stored text, or while it is being written the longer one that its pieces tell. */
function MessageText({ message: { id, content, status } }: { message: Message }) {
  const live = status === 'streaming' ? usePanel().live.of(id).value?.text : undefined;
  return <MessageBody text={live && live.length > content.length ? live : content} />;
}

function Toolbar({ message }: { message: Message }) {
  const panel = usePanel();
  const { api, strings, report } = panel;
  const { id, role, content, status } = message;
  return (
    <div class="toolbar">
      <IconButton name={strings.copy} onClick={() => api.request('copy', { text: content }).catch(report)}>
        <CopyIcon />
      </IconButton>
      {role === 'user' && status === 'complete' && (
        <IconButton name={strings.edit} onClick={() => panel.startEdit(message)}>
          <EditIcon />
        </IconButton>
      )}
      <IconButton name={strings.delete} onClick={() => api.request('remove', { messageId: id }).catch(report)}>
        <DeleteIcon />
      </IconButton>
    </div>
  );
}

function IconButton(props: { name: string; onClick: () => void; children: ComponentChildren }) {
  return (
    <button type="button" class="icon" aria-label={props.name} title={props.name} onClick={props.onClick}>
      {props.children}
    </button>
  );
}
