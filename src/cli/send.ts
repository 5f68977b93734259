import type { EventEmitter } from 'node:events';
import { addAbortSignal } from 'node:stream';
import type { Instance } from '../instance/instance.ts';
import { DevChatError } from '../protocol/errors.ts';
import { MAX_PIECE_LENGTH, type Message, type Role } from '../protocol/model.ts';
import { readParts } from '../protocol/parts.ts';
import type { Notifications } from '../protocol/rpc.ts';
import { titleFrom } from '../protocol/title.ts';
import { idFrom } from './ids.ts';

/** Why an input is not read any further though nothing is wrong. */
const STOPPED = new Error('somebody has stopped the message');

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
 * Writes standard input as one message, live in every window while it comes. When somebody stops it there, the rest is
 * not read, and the message is `interrupted`.
 * @param events tells the changes of the history
 * @throws {DevChatError} `bad-request` when nothing comes; then nothing was stored
 */
export async function sendInput(
  instance: Instance,
  options: SendOptions,
  events: EventEmitter<{ change: [Notifications['change']] }>,
): Promise<Message> {
  const { role, model } = options;
  const stop = new AbortController();
  let message: Message | undefined;
  const look = ({ changes }: Notifications['change']) => {
    if (!message || !changes.some(({ messageId }) => messageId === message?.id)) return;
    isStopped(instance, message).then(
      (is) => is && stop.abort(STOPPED),
      (error: unknown) => stop.abort(error),
    );
  };
  events.on('change', look);
  const input = addAbortSignal(stop.signal, process.stdin.setEncoding('utf8'));
  try {
    for await (const chunk of fromFirstWord(input)) {
      if (!message) {
        const conversationId = await openConversation(instance, options, '');
        message = await instance.handle('stream/start', { conversationId, role, model });
      }
      for (let at = 0; at < chunk.length; at += MAX_PIECE_LENGTH) {
        const text = chunk.slice(at, at + MAX_PIECE_LENGTH);
        await instance.handle('stream/append', { messageId: message.id, text });
      }
    }
  } catch (error) {
    const why = stop.signal.aborted ? stop.signal.reason : error;
    if (why !== STOPPED) throw why;
  } finally {
    events.off('change', look);
  }
  const status = stop.signal.aborted ? 'interrupted' : 'complete';
  return instance.handle('stream/finish', { messageId: message?.id, status });
}

/** Whether somebody wants no more of a message; the wish stands in its parts. */
async function isStopped(instance: Instance, { conversationId, seq }: Message): Promise<boolean> {
  const { messages } = await instance.handle('message/range', { conversationId, fromSeq: seq, toSeq: seq });
  return readParts(messages[0]?.parts, ['stopped']).stopped === true;
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
