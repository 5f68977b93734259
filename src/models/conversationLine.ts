import type { InstanceClient } from '../instance/client/instanceClient.ts';
import { leadingTo } from '../protocol/alternatives.ts';
import type { Message } from '../protocol/model.ts';
import { tokensIn } from './prompt.ts';

/** How many messages are read at a time. */
const PAGE = 100;

/** Most messages that are looked at for one prompt. */
const MAX_LOOK = 2000;

/**
 * The messages that lead up to a question, itself the last, read from the newest back until there are more than a
 * model takes.
 * @throws {DevChatError}
 */
export async function readLine(client: InstanceClient, question: Message, maxTokens: number): Promise<Message[]> {
  const known: Message[] = [];
  let line: Message[] = [];
  for (let to = question.seq; to >= 1 && known.length < MAX_LOOK && tokensIn(line) <= maxTokens; to -= PAGE) {
    known.unshift(...(await readRange(client, question.conversationId, Math.max(1, to - PAGE + 1), to)));
    line = leadingTo(known, question);
  }
  return line;
}

/** All messages of a range: an answer may end early, where its messages are long. */
async function readRange(client: InstanceClient, conversationId: string, from: number, to: number): Promise<Message[]> {
  const messages: Message[] = [];
  for (let fromSeq = from; fromSeq <= to; ) {
    const answer = await client.request('message/range', { conversationId, fromSeq, toSeq: to });
    const last = answer.messages.at(-1);
    if (!last) break;
    messages.push(...answer.messages);
    fromSeq = last.seq + 1;
  }
  return messages;
}
