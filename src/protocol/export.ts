import { conversationMarkdown, messageMarkdown } from './markdown.ts';
import type { Conversation, Message } from './model.ts';
import { MAX_RANGE, type Params, type Results } from './rpc.ts';

/** What a conversation can be exported as: a document to read, or one message per line for programs. */
export const exportFormats = ['markdown', 'jsonl'] as const;
export type ExportFormat = (typeof exportFormats)[number];

const extensions: Record<ExportFormat, string> = { markdown: 'md', jsonl: 'jsonl' };

/** Longest title in the name of a file, in UTF-16 code units. */
const MAX_NAME = 60;

type Range = (params: Params<'message/range'>) => Promise<Results['message/range']>;

/** The messages of a conversation in their order, deleted ones included, page by page. */
export async function* messagePages(conversationId: string, range: Range): AsyncGenerator<Message[]> {
  for (let fromSeq = 1; ; ) {
    const { messages, lastSeq } = await range({ conversationId, fromSeq, toSeq: fromSeq + MAX_RANGE - 1 });
    if (messages.length > 0) yield messages;
    fromSeq = (messages.at(-1)?.seq ?? lastSeq) + 1;
    if (fromSeq > lastSeq) return;
  }
}

/** A conversation as text, piece by piece, so that never more than a page of it is held. Deleted messages are left out. */
export async function* exportConversation(
  conversation: Conversation,
  format: ExportFormat,
  pages: AsyncIterable<Message[]>,
): AsyncGenerator<string> {
  if (format === 'markdown') yield conversationMarkdown(conversation);
  for await (const messages of pages) {
    for (const message of messages) {
      if (message.deletedAt !== null) continue;
      yield format === 'markdown' ? messageMarkdown(message) : jsonLine(conversation, message);
    }
  }
}

/** A message with what it takes to store it again elsewhere; the keys and their order stay as they are. */
function jsonLine({ title, source, externalId }: Conversation, message: Message): string {
  const { conversationId, seq, id, role, author, model, status, createdAt, updatedAt, content, parts } = message;
  const origin = { conversationId, title, source, externalId };
  const line = { ...origin, seq, id, role, author, model, status, createdAt, updatedAt, content, parts };
  return `${JSON.stringify(line)}\n`;
}

/** The name of a conversation’s file: the same each time, another one for each conversation, and valid everywhere. */
export function exportFileName({ id, title, createdAt }: Conversation, format: ExportFormat): string {
  const name = title
    .replace(/[\p{C}<>:"/\\|?*\s]+/gu, ' ')
    .slice(0, MAX_NAME)
    .toWellFormed()
    .trim();
  const date = new Date(createdAt).toISOString().slice(0, 10);
  return `${[date, name, id.slice(-12)].filter((part) => part !== '').join(' ')}.${extensions[format]}`;
}
