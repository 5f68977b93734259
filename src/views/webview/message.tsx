import type { ReadonlySignal } from '@preact/signals';
import { useComputed } from '@preact/signals';
import { useState } from 'preact/hooks';
import type { Message } from '../../protocol/model.ts';
import { readParts } from '../../protocol/parts.ts';
import { authorOf } from './announcement.ts';
import { SentAttachments } from './attachments.tsx';
import { usePanel } from './context.ts';
import { IconButton } from './iconButton.tsx';
import { BranchIcon, CopyIcon, DeleteIcon, EditIcon, RegenerateIcon } from './icons.tsx';
import { MessageEditor } from './messageEditor.tsx';
import { MessageText } from './messageText.tsx';
import { modelName } from './modelName.ts';
import { Outcome } from './outcome.tsx';
import { fill } from './strings.ts';
import { formatTime, formatTimeInFull } from './time.ts';
import { useDelayed } from './useDelayed.ts';
import { Versions } from './versions.tsx';

/** How long a message may take to the hub until that is worth a word, in ms. */
const USUAL_SHARE_MS = 1000;

/** One message. `lastSeq` stays a signal, so that its changes do not render every message again. */
export function MessageArticle({ message, lastSeq }: { message: Message; lastSeq: ReadonlySignal<number> }) {
  const { drafts, strings } = usePanel();
  const isEditing = useComputed(() => drafts.value[message.id] !== undefined);
  const { id, seq, role, status, createdAt, model } = message;
  const author = authorOf(message, strings);
  const isOver = status === 'interrupted' || status === 'error';
  // Buttons nobody reaches for would cost more than the rest of a short message.
  const [isNear, setNear] = useState(false);
  const come = () => setNear(true);
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
      onMouseEnter={come}
      onFocusIn={come}
    >
      <header>
        <span class="author">{author}</span>
        {model && role === 'assistant' && <span title={model}>{modelName(model)}</span>}
        <time dateTime={new Date(createdAt).toISOString()} title={formatTimeInFull(createdAt)}>
          {formatTime(createdAt)}
        </time>
        {status === 'complete' && message.revision > 1 && role === 'user' && <span>{strings.edited}</span>}
        {status === 'streaming' && <RunBy message={message} />}
        {message.isPending && <NotShared />}
        {isNear && !isEditing.value && <Toolbar message={message} />}
      </header>
      {isEditing.value ? <MessageEditor message={message} /> : <MessageText message={message} />}
      <SentAttachments message={message} />
      <SentPart message={message} />
      {isOver && <Outcome message={message} />}
      <Versions message={message} />
    </div>
  );
}

/** Says that only this machine has a message, which passes unnoticed while the hub is there. */
function NotShared() {
  const { strings } = usePanel();
  return useDelayed(true, USUAL_SHARE_MS) ? <span title={strings.notSharedHint}>{strings.notShared}</span> : null;
}

/** Which window runs a reply. */
function RunBy({ message }: { message: Message }) {
  const { strings, view } = usePanel();
  const { runBy } = readParts(message.parts);
  if (!runBy) return null;
  const isHere = runBy.instanceId === view.value?.instanceId;
  return <span>{fill(strings.answeredBy, isHere ? strings.thisWindow : runBy.name)}</span>;
}

/** Says so when a model did not get the whole conversation. */
function SentPart({ message }: { message: Message }) {
  const { strings } = usePanel();
  const { prompt } = readParts(message.parts);
  return prompt?.isPart ? <p class="hint">{fill(strings.sentPart, prompt.fromSeq)}</p> : null;
}

function Toolbar({ message }: { message: Message }) {
  const panel = usePanel();
  const { api, replies, strings, report } = panel;
  const { id, role, status } = message;
  const copy = () => api.request('copy', { text: panel.live.textOf(message) }).catch(report);
  return (
    <div class="toolbar">
      <IconButton name={strings.copy} onClick={copy}>
        <CopyIcon />
      </IconButton>
      {role === 'user' && status === 'complete' && !replies.isImported.value && (
        <IconButton name={strings.edit} onClick={() => panel.edits.start(message)}>
          <EditIcon />
        </IconButton>
      )}
      {replies.canAskAgain(message) && (
        <IconButton name={strings.regenerate} onClick={() => replies.again(message).catch(report)}>
          <RegenerateIcon />
        </IconButton>
      )}
      {status === 'complete' && (
        <IconButton name={strings.branch} onClick={() => panel.branch(message)}>
          <BranchIcon />
        </IconButton>
      )}
      <IconButton name={strings.delete} onClick={() => api.request('remove', { messageId: id }).catch(report)}>
        <DeleteIcon />
      </IconButton>
    </div>
  );
}
