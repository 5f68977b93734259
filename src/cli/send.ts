import type { Instance } from '../instance/instance.ts';
import { DevChatError } from '../protocol/errors.ts';
import { MAX_PIECE_LENGTH, type Message, type Role } from '../protocol/model.ts';
import { titleFrom } from '../protocol/title.ts';
import { idFrom } from './ids.ts';

/** What `devchat send` may be told beside the text. */
export interface SendOptions {
  conversation?: string;
  title: string;
  role: Role;
  model?: string;
}

/**
 * Refuses a text that says nothing; “-” stands for one that is still to come.
 * @throws {DevChatError} `bad-request`
 */
export function assertWords(text: string): void {
  if (text.trim() === '') throw new DevChatError('bad-request', 'Nothing to send.');
}

/** Adds one message, in a new conversation if none is named. */
export async function sendText(instance: Instance, content: string, options: SendOptions): Promise<Message> {
  const { role, model } = options;
  const conversationId = await openConversation(instance, options, titleFrom(content));
  return instance.handle('message/add', { conversationId, role, content, model });
}

/**
 * Writes standard input as one message, live in every window while it comes.
 * @throws {DevChatError} `bad-request` when nothing comes; then nothing was stored
 */
export async function sendInput(instance: Instance, options: SendOptions): Promise<Message> {
  const { role, model } = options;
  let messageId: string | undefined;
  process.stdin.setEncoding('utf8');
  for await (const chunk of fromFirstWord(process.stdin)) {
    if (messageId === undefined) {
      const conversationId = await openConversation(instance, options, '');
      ({ id: messageId } = await instance.handle('stream/start', { conversationId, role, model }));
    }
    for (let at = 0; at < chunk.length; at += MAX_PIECE_LENGTH) {
      await instance.handle('stream/append', { messageId, text: chunk.slice(at, at + MAX_PIECE_LENGTH) });
    }
  }
  return instance.handle('stream/finish', { messageId });
}

/** Names a conversation after its message, unless it has got a name meanwhile. */
export async function nameAfter(instance: Instance, { conversationId, content }: Message): Promise<void> {
  const title = titleFrom(content);
  const { conversations } = await instance.handle('conversation/list', {});
  if (title === '' || conversations.find(({ id }) => id === conversationId)?.title !== '') return;
  await instance.handle('conversation/rename', { conversationId, title });
}

async function openConversation(instance: Instance, options: SendOptions, title: string): Promise<string> {
  if (options.conversation !== undefined) return idFrom(options.conversation);
  return (await instance.handle('conversation/create', { title: options.title || title })).id;
}

/** The chunks of a text, blank ones at its beginning together with the first one that has words. */
async function* fromFirstWord(chunks: AsyncIterable<string>): AsyncGenerator<string> {
  let blank: string | undefined = '';
  for await (const chunk of chunks) {
    if (blank === undefined) yield chunk;
    else if ((blank + chunk).trim() === '') blank += chunk;
    else {
      yield blank + chunk;
      blank = undefined;
    }
  }
  if (blank !== undefined) assertWords(blank);
}
