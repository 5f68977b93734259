import { setTimeout as delay } from 'node:timers/promises';
import { v7 as uuid } from 'uuid';
import type { Random } from '../../support/random.ts';
import { textHash } from '../history/digest.ts';
import { textOf } from '../text.ts';
import type { Window } from './window.ts';

/** Requests that one window has under way at a time. */
const AT_ONCE = 3;

/** What all windows of a case write about. */
export interface Topics {
  conversations: string[];
  messages: string[];
}

/** Adds one message. */
export async function addMessage(window: Window, conversationId: string, random: Random): Promise<string | undefined> {
  const id = uuid();
  const { content, hash } = textOf(id, random);
  const params = { conversationId, id, role: 'user', content } as const;
  const added = await window.write('message/add', params, {
    op: 'add',
    message: id,
    conversation: conversationId,
    hash,
  });
  return added?.id;
}

/**
 * Has a window write all kinds of things until its process or the case ends.
 * @param pause most ms between an answer and the next request
 */
export async function chatter(
  window: Window,
  topics: Topics,
  random: Random,
  isOver: () => boolean,
  pause = 20,
): Promise<void> {
  const loop = async () => {
    while (window.isAlive && !isOver()) {
      await act(window, topics, random);
      await delay(random.whole(0, pause));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, loop));
}

async function act(window: Window, topics: Topics, random: Random): Promise<void> {
  const choice = random.next();
  const message = topics.messages.length > 0 ? random.pick(topics.messages) : undefined;
  if (topics.conversations.length === 0 || choice < 0.01) {
    const conversation = await window.create(uuid());
    if (conversation) topics.conversations.push(conversation);
  } else if (message && choice < 0.15) {
    const { content, hash } = textOf(message, random);
    await window.write('message/update', { messageId: message, content }, { op: 'update', message, hash });
  } else if (message && choice < 0.18) {
    await window.write('message/delete', { messageId: message }, { op: 'delete', message });
  } else if (choice < 0.22) {
    // The end of the process ends the reading, too.
    await window.read(random.pick(topics.conversations), 1, 50).catch(() => undefined);
  } else if (choice < 0.25) {
    await streamReply(window, random.pick(topics.conversations), random);
  } else {
    const added = await addMessage(window, random.pick(topics.conversations), random);
    if (added) topics.messages.push(added);
  }
}

/** Writes a message piece by piece. */
export async function streamReply(window: Window, conversationId: string, random: Random): Promise<void> {
  const id = uuid();
  const intent = { op: 'stream', message: id, conversation: conversationId } as const;
  if (!(await window.write('stream/start', { conversationId, id }, intent))) return;
  let text = '';
  for (let pieces = random.whole(1, 5); pieces > 0; pieces--) {
    const piece = `${random.whole(0, 2 ** 31)} `;
    if (!(await window.append(id, text.length, piece))) return;
    text += piece;
  }
  const hash = textHash(text);
  await window.write(
    'stream/finish',
    { messageId: id },
    { op: 'update', message: id, conversation: conversationId, hash },
  );
}
