import { useComputed } from '@preact/signals';
import { useEffect, useState } from 'preact/hooks';
import { serialiseError } from '../../protocol/errors.ts';
import type { Message } from '../../protocol/model.ts';
import type { FoldedPart as Part } from '../../protocol/shownParts.ts';
import { usePanel } from './context.ts';
import { MessageBody } from './messageBody.tsx';

/** What an agent thought or did, in one line; what is inside is rendered when it is opened. */
export function FoldedPart({ message, part }: { message: Message; part: Part }) {
  const { strings, timeline } = usePanel();
  const [isOpen, setOpen] = useState(false);
  const name = useComputed(() => part.name ?? timeline.value?.tools.value.get(part.call ?? '')?.name);
  const isError = useComputed(() => part.isError || timeline.value?.tools.value.get(part.call ?? '')?.isError);
  if (part.type === 'superseded') return <p class="hint">{strings.superseded}</p>;
  const names = {
    reasoning: strings.reasoning,
    'tool-call': strings.toolCall,
    'tool-result': strings.toolResult,
    image: strings.image,
    other: strings.otherPart,
  };
  // Another program may have written a type that is not known here, even the name of what every object has.
  const kind = Object.hasOwn(names, part.type) ? names[part.type] : strings.otherPart;
  const line = (
    <>
      <span class="partName">{name.value ?? kind}</span>
      <span class="partSummary">{part.summary}</span>
      {isError.value === true && <span class="partOutcome failed">{strings.toolFailed}</span>}
      {isError.value === false && part.type === 'tool-call' && <span class="partOutcome">{strings.toolDone}</span>}
    </>
  );
  if (part.length === 0) return <div class="part">{line}</div>;
  return (
    <details class="part" data-type={part.type} onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary tabIndex={-1}>{line}</summary>
      {isOpen && <PartText message={message} part={part} />}
    </details>
  );
}

function PartText({ message, part }: { message: Message; part: Part }) {
  const { api, strings } = usePanel();
  const { conversationId, seq, revision } = message;
  const [text, setText] = useState(part.text);
  const [problem, setProblem] = useState<string | null>(null);
  useEffect(() => {
    if (part.text !== null) return;
    const { index } = part;
    api.request('part', { conversationId, seq, index }).then(
      (answer) => setText(answer.text),
      (error: unknown) => setProblem(serialiseError(error).message),
    );
  }, [revision]);
  if (problem !== null) return <p class="problem">{problem}</p>;
  if (text === null) return <p class="hint">{strings.loading}</p>;
  return <MessageBody text={part.type === 'reasoning' ? text : fenced(text, part.type)} />;
}

/** A text as a block of code. */
function fenced(text: string, type: Part['type']): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/gu)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}${type === 'tool-result' ? '' : 'json'}\n${text}\n${fence}`;
}
