import { useState } from 'preact/hooks';
import type { Attachment } from '../../protocol/attachments.ts';
import type { Message } from '../../protocol/model.ts';
import type { PanelStrings } from '../../protocol/panel.ts';
import { readParts } from '../../protocol/parts.ts';
import { usePanel } from './context.ts';
import { IconButton } from './iconButton.tsx';
import { CloseIcon } from './icons.tsx';
import { reachWhileItScrolls } from './scrolling.ts';
import { fill } from './strings.ts';

/** What goes with the message that is being written. */
export function DraftAttachments() {
  const { writing, strings } = usePanel();
  const attachments = writing.attachments.value;
  if (attachments.length === 0) return null;
  return (
    <div class="chips">
      {attachments.map((attachment) => {
        const label = labelOf(attachment, strings);
        return (
          <span key={label} class="chip" title={longLabelOf(attachment, strings)}>
            <span class="label">{label}</span>
            <IconButton name={fill(strings.removeAttachment, label)} onClick={() => writing.detach(attachment)}>
              <CloseIcon />
            </IconButton>
          </span>
        );
      })}
    </div>
  );
}

/** What went with a message, each with its text as it was sent. */
export function SentAttachments({ message }: { message: Message }) {
  const { attachments = [] } = readParts(message.parts);
  if (attachments.length === 0) return null;
  return (
    <div class="chips">
      {attachments.map((attachment, index) => (
        <SentAttachment key={index} attachment={attachment} />
      ))}
    </div>
  );
}

function SentAttachment({ attachment }: { attachment: Attachment }) {
  const { strings } = usePanel();
  // A closed one need not cost what its text does.
  const [isOpen, setOpen] = useState(false);
  return (
    <details class="chip" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary title={longLabelOf(attachment, strings)}>{labelOf(attachment, strings)}</summary>
      {isOpen && (
        <>
          <pre ref={reachWhileItScrolls}>{attachment.text}</pre>
          {attachment.omitted > 0 && <p class="hint">{fill(strings.leftOut, attachment.omitted)}</p>}
        </>
      )}
    </details>
  );
}

/** As short as an attachment can be told from others. */
function labelOf(attachment: Attachment, strings: PanelStrings): string {
  switch (attachment.kind) {
    case 'selection':
      return `${fileName(attachment.path)}:${linesOf(attachment)}`;
    case 'file':
      return fileName(attachment.path);
    case 'problems':
      return strings.attachedProblems;
    case 'terminal':
      return fill(strings.attachedTerminal, attachment.name);
  }
}

function longLabelOf(attachment: Attachment, strings: PanelStrings): string {
  const label = 'path' in attachment ? attachment.path : labelOf(attachment, strings);
  return attachment.omitted > 0 ? `${label}\n${fill(strings.leftOut, attachment.omitted)}` : label;
}

function linesOf({ startLine, endLine }: { startLine: number; endLine: number }): string {
  return startLine === endLine ? String(startLine) : `${startLine}–${endLine}`;
}

function fileName(path: string): string {
  return path.split(/[/\\]/u).at(-1) ?? path;
}
