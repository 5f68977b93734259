import { isRecord } from '../protocol/json.ts';
import type { Message } from '../protocol/model.ts';
import type { FoldedPart, ShownPart } from '../protocol/shownParts.ts';
import { tellingInput } from '../protocol/toolCall.ts';

/** Longer texts of parts stay here until they are asked for, in UTF-16 code units. */
const LONGEST_SENT = 4000;

/** Longest line that tells of a part. */
const LONGEST_SUMMARY = 200;

type Part = Record<string, unknown>;

/** A message as the panel gets it: of an agent's, what tells of its parts, without their long texts. */
export function forPanel(message: Message): Message {
  return Array.isArray(message.parts) ? { ...message, parts: toShown(message.content, message.parts) } : message;
}

/** The whole text of one part of a stored message; empty when there is none. */
export function partText({ content, parts }: Message, index: number): string {
  const part = Array.isArray(parts) ? parts[index] : undefined;
  return isRecord(part) ? textOf(part, content) : '';
}

function toShown(content: string, stored: readonly unknown[]): ShownPart[] {
  const parts = stored.map((part) => (isRecord(part) ? part : {}));
  const texts = locate(parts, content);
  const shown = parts.map((part, index) => texts.get(index) ?? folded(part, index, content));
  const isWhole = texts.size === parts.filter(isText).length;
  // Otherwise the content was changed since, and is what counts.
  const whole: ShownPart = { type: 'text', index: -1, from: 0, to: content.length };
  return isWhole ? shown : [whole, ...shown.filter((_, index) => !isText(parts[index] ?? {}))];
}

/** Where the texts among the parts are in the content, by index, as far as they are there in their order. */
function locate(parts: readonly Part[], content: string): Map<number, ShownPart> {
  const found = new Map<number, ShownPart>();
  let end = 0;
  for (const [index, part] of parts.entries()) {
    const text = stringOf(part['text']);
    const from = isText(part) ? content.indexOf(text, end) : -1;
    if (from < 0) continue;
    end = from + text.length;
    found.set(index, { type: 'text', index, from, to: end });
  }
  return found;
}

function isText(part: Part): boolean {
  return part['type'] === 'text';
}

function folded(part: Part, index: number, content: string): FoldedPart {
  const text = textOf(part, content);
  return {
    type: part['type'] as FoldedPart['type'],
    index,
    call: typeof part['id'] === 'string' ? part['id'] : null,
    name: typeof part['name'] === 'string' ? part['name'] : null,
    summary: summaryOf(part, text).slice(0, LONGEST_SUMMARY).toWellFormed(),
    isError: part['isError'] === true,
    length: text.length,
    text: text.length <= LONGEST_SENT ? text : null,
  };
}

/** What is inside a part. */
function textOf(part: Part, content: string): string {
  switch (part['type']) {
    case 'reasoning':
      return stringOf(part['text']);
    case 'tool-call':
      return jsonOf(part['input']);
    case 'tool-result':
      return typeof part['output'] === 'string' ? part['output'] : content;
    case 'other':
      return jsonOf(part['value']);
    default:
      return '';
  }
}

function summaryOf(part: Part, text: string): string {
  if (part['type'] === 'tool-call') return tellingInput(part['input']);
  if (part['type'] === 'image') return stringOf(part['url'] ?? part['mediaType']);
  return (
    text
      .slice(0, LONGEST_SENT)
      .split('\n')
      .find((line) => line.trim() !== '')
      ?.trim() ?? ''
  );
}

/** A text where there should be one: whoever wrote the part, it must not keep the rest from being read. */
function stringOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function jsonOf(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value, null, 2) ?? '');
}
