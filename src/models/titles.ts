import { titleFrom } from '../protocol/title.ts';
import type { ModelProvider } from './provider.ts';

/** How much of each side of the exchange the model gets, in characters. */
const MAX_EXCERPT = 2000;

/** How much it may answer, in characters, and how long it may take, in ms. */
const MAX_ANSWER = 4000;
const PATIENCE = 30_000;

const INSTRUCTION =
  'Give the conversation below a title of at most six words, in its own language. Answer with the title alone.';

/** Words around a title that some models cannot leave out, and the marks around it. */
const WRAPPING = /^(?:title\s*:\s*)?["'“”„«»‘’*\s]+|["'“”„«»‘’*.\s]+$|^title\s*:\s*/giu;

/**
 * A title for a conversation, made of its first exchange by a model; empty when the model gives none.
 * @throws {DevChatError} and what aborting the signal throws
 */
export async function titleByModel(
  provider: ModelProvider,
  modelId: string,
  { question, answer }: { question: string; answer: string },
  signal: AbortSignal,
): Promise<string> {
  const exchange = `User: ${question.slice(0, MAX_EXCERPT)}\n\nAssistant: ${answer.slice(0, MAX_EXCERPT)}`;
  const messages = [{ role: 'user' as const, content: `${INSTRUCTION}\n\n${exchange.toWellFormed()}` }];
  const either = AbortSignal.any([signal, AbortSignal.timeout(PATIENCE)]);
  let text = '';
  for await (const piece of provider.reply({ modelId, messages }, either)) {
    text += piece;
    if (text.length > MAX_ANSWER) break;
  }
  return titleIn(text);
}

/** The title in what a model answered: without its thoughts, quotation marks and Markdown. */
export function titleIn(text: string): string {
  const [, answer = text] = /<\/think>(.*)$/su.exec(text) ?? [];
  return answer.includes('<think>') ? '' : titleFrom(titleFrom(answer).replace(WRAPPING, ''));
}
