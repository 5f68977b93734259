import { withAttachments } from '../protocol/attachments.ts';
import { DevChatError } from '../protocol/errors.ts';
import type { Message } from '../protocol/model.ts';
import { readParts } from '../protocol/parts.ts';
import type { PromptMessage } from './provider.ts';

/** What a model of unknown size is trusted to take, in tokens. */
export const DEFAULT_INPUT_TOKENS = 16_000;

/** UTF-8 bytes per token, on the safe side of all common tokenisers, for prose, code and other scripts. */
const BYTES_PER_TOKEN = 3;

/** What each message costs beside its text, in tokens. */
const MESSAGE_OVERHEAD = 8;

/** What goes to the model. */
export interface Prompt {
  messages: PromptMessage[];
  /** Number of the oldest message in it. */
  fromSeq: number;
  /** How many messages of the conversation are in it. */
  count: number;
  /** False when older ones did not fit. */
  isWhole: boolean;
}

/**
 * As many of the newest messages as fit, whole ones only, the question last.
 * @param line the messages that lead up to the question, itself the last
 * @throws {DevChatError} `too-large` when the question alone is too long
 */
export function promptFrom(line: readonly Message[], maxTokens: number): Prompt {
  const said = line.flatMap(spoken);
  const kept: Spoken[] = [];
  let left = maxTokens;
  for (const one of said.toReversed()) {
    left -= one.tokens;
    if (left < 0) break;
    kept.unshift(one);
  }
  // A conversation begins with the user; some models refuse any other.
  while (kept[0]?.role === 'assistant') kept.shift();
  const [oldest] = kept;
  if (!oldest) {
    const text = 'Your message with its attachments is too long for the model. Shorten it, or choose another model.';
    throw new DevChatError('too-large', text);
  }
  return { messages: merged(kept), fromSeq: oldest.seq, count: kept.length, isWhole: kept.length === said.length };
}

/** What the messages of a line would cost, in tokens. */
export function tokensIn(line: readonly Message[]): number {
  return line.flatMap(spoken).reduce((sum, { tokens }) => sum + tokens, 0);
}

interface Spoken extends PromptMessage {
  seq: number;
  tokens: number;
}

/** A message as a model gets it; none for what is no part of the talk: failed replies, and the output of tools. */
function spoken({ seq, role, content, parts, status }: Message): Spoken[] {
  if (role === 'tool' || (role === 'assistant' && status === 'error')) return [];
  const text = withAttachments(content, readParts(parts).attachments ?? []);
  const tokens = Math.ceil(Buffer.byteLength(text) / BYTES_PER_TOKEN) + MESSAGE_OVERHEAD;
  return text.trim() === '' ? [] : [{ seq, role, content: text, tokens }];
}

/** Neighbours of one role as one: many models insist on taking turns. */
function merged(said: readonly Spoken[]): PromptMessage[] {
  const turns: PromptMessage[] = [];
  for (const { role, content } of said) {
    const last = turns.at(-1);
    if (last?.role === role) last.content += `\n\n${content}`;
    else turns.push({ role, content });
  }
  return turns;
}
