import type { Message } from '../../protocol/model.ts';
import { shownParts } from '../../protocol/shownParts.ts';
import { usePanel } from './context.ts';
import { FoldedPart } from './foldedPart.tsx';
import { MessageBody } from './messageBody.tsx';

/** What a message says: its text, or the parts that an agent's message has, those that are not text folded. */
export function MessageText({ message }: { message: Message }) {
  const parts = shownParts(message);
  if (parts.length === 0) return <Text message={message} />;
  return parts.map((part) =>
    part.type === 'text' ? (
      <MessageBody key={part.index} text={message.content.slice(part.from, part.to)} />
    ) : (
      <FoldedPart key={part.index} message={message} part={part} />
    ),
  );
}

function Text({ message }: { message: Message }) {
  return <MessageBody text={usePanel().live.textOf(message)} isGrowing={message.status === 'streaming'} />;
}
