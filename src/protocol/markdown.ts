import { type Attachment, titleOf } from './attachments.ts';
import type { MessagePart } from './ingest.ts';
import { isRecord } from './json.ts';
import type { Conversation, Message } from './model.ts';
import { readParts } from './parts.ts';

/** A conversation’s title and what is known of it, as the beginning of a Markdown document. */
export function conversationMarkdown({ title, source, createdAt, updatedAt, tags }: Conversation): string {
  const facts = [source, `${time(createdAt)} – ${time(updatedAt)}`, ...tags];
  return `# ${escaped(title || 'Untitled conversation')}\n\n*${escaped(facts.join(' · '))}*\n`;
}

/** A message as a section of a Markdown document, with all that belongs to it. */
export function messageMarkdown(message: Message): string {
  const { role, author, model, status, createdAt } = message;
  const facts = [time(createdAt), author, model, status === 'complete' ? null : status];
  const line = `*${escaped(facts.filter((fact) => fact !== null && fact !== '').join(' · '))}*`;
  const heading = `## ${role.charAt(0).toUpperCase()}${role.slice(1)}`;
  return `\n${[heading, line, ...bodyOf(message)].filter((block) => block.trim() !== '').join('\n\n')}\n`;
}

/** A text between fences longer than any in it, so that nothing of it ends the block. */
export function fenced(text: string, language = ''): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/gu)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}${language}\n${text}${text.endsWith('\n') ? '' : '\n'}${fence}`;
}

function bodyOf({ content, parts }: Message): string[] {
  if (Array.isArray(parts)) return agentBody(content, parts.filter(isPart));
  const { attachments = [], failure } = readParts(parts);
  return [...attachments.map(attachmentBlock), closed(content), failure ? `> ${escaped(failure.message)}` : ''];
}

function attachmentBlock(attachment: Attachment): string {
  const { text, omitted } = attachment;
  const left = omitted > 0 ? ` (${omitted} more characters left out)` : '';
  const language = 'language' in attachment ? attachment.language : '';
  return `**${escaped(titleOf(attachment))}**${left}\n\n${fenced(text, language)}`;
}

/** Whether a part has the texts of its kind; whoever wrote it, it must not keep the rest from being read. */
function isPart(part: unknown): part is MessagePart {
  if (!isRecord(part)) return false;
  const { type, text, name, output, url, mediaType, size } = part;
  if (type === 'reasoning') return typeof text === 'string';
  if (type === 'tool-call') return typeof name === 'string';
  if (type === 'image' && 'url' in part) return typeof url === 'string';
  if (type === 'image') return typeof mediaType === 'string' && typeof size === 'number';
  return type !== 'tool-result' || output === undefined || typeof output === 'string';
}

/** What an agent wrote: the text, in which calls are one line each, then what is folded away in the chat. */
function agentBody(content: string, parts: readonly MessagePart[]): string[] {
  const outputs = parts.filter((part) => part.type === 'tool-result');
  const isOutput = outputs.length > 0 && outputs.length === parts.length;
  const isRepeated = isOutput && outputs.every(({ output }) => output !== undefined);
  const text = isOutput ? `**Output**\n\n${fenced(content)}` : closed(content);
  return [isRepeated ? '' : text, ...parts.map(partBlock)];
}

function partBlock(part: MessagePart): string {
  switch (part.type) {
    case 'reasoning':
      return `**Reasoning**\n\n${fenced(part.text)}`;
    case 'tool-call':
      return `**Call of ${escaped(part.name)}**\n\n${json(part.input)}`;
    case 'tool-result':
      return part.output === undefined ? '' : `**Output**\n\n${fenced(part.output)}`;
    case 'image':
      return `*Image: ${escaped('url' in part ? `${part.url}` : `${part.mediaType}, ${part.size} bytes`)}*`;
    case 'other':
      return json(part.value);
    default:
      return '';
  }
}

function json(value: unknown): string {
  return fenced(JSON.stringify(value, null, 2) ?? '', 'json');
}

/** A line that is not blank: its indent, the mark of a list's item, a fence, and what follows the fence. */
const LINE = /^( *)(?=\S)((?:[-*+]|\d{1,9}[.)])(?: +|$))?(?:(`{3,}|~{3,})([^\n]*))?/gmu;

/** A text whose last block of code is closed, as that of an answer that was cut may not be. */
function closed(text: string): string {
  let open: string | undefined;
  // Where the text of a list's item begins. A block of code in it ends with it, and needs no end of its own.
  let inset = 0;
  for (const [, indent = '', mark = '', fence = '', rest = ''] of text.matchAll(LINE)) {
    const isFence = fence !== '' && mark === '' && indent.length < 4;
    if (open !== undefined) {
      if (isFence && fence.startsWith(open) && rest.trim() === '') open = undefined;
    } else if (inset === 0 || indent.length < inset) {
      inset = mark === '' ? 0 : indent.length + mark.length;
      if (isFence && !(fence.startsWith('`') && rest.includes('`'))) open = fence;
    }
  }
  return open === undefined ? text : `${text}\n${open}`;
}

/** Words as they are, on one line, whatever they mean in Markdown. */
function escaped(text: string): string {
  return text.replace(/\s+/gu, ' ').replace(/[\\`*_[\]<>&#|~]/gu, '\\$&');
}

function time(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
