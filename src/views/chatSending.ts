import type { InstanceClient } from '../instance/client/instanceClient.ts';
import type { Log } from '../protocol/log.ts';
import type { Message } from '../protocol/model.ts';
import type { PanelParams } from '../protocol/panel.ts';
import { titleFrom } from '../protocol/title.ts';
import type { ChatReplies } from './chatReplies.ts';
import { type History, isImported } from './history.ts';

/** What sending takes. */
export interface SendingPorts {
  client: InstanceClient;
  history: History;
  log: Log;
}

/** Stores the messages of a panel in their order, and has them answered. */
export class ChatSending {
  readonly #ports: SendingPorts;
  readonly #replies: ChatReplies;
  /** Shows the conversation that the first message has made. */
  readonly #select: (conversationId: string) => void;
  #last: Promise<unknown> = Promise.resolve();

  constructor(ports: SendingPorts, replies: ChatReplies, select: (conversationId: string) => void) {
    this.#ports = ports;
    this.#replies = replies;
    this.#select = select;
  }

  /** Stores a message; a conversation that does not exist yet is created and shown. Then its model is asked. */
  send(message: PanelParams<'send'>): Promise<Message> {
    const stored = this.#last.then(() => this.#send(message));
    // The next message waits for this one, whatever becomes of it; the failure itself goes to the panel.
    this.#last = stored.catch(() => undefined);
    return stored;
  }

  async #send(outgoing: PanelParams<'send'>): Promise<Message> {
    const { client, history } = this.#ports;
    const mentioning = outgoing.model ? outgoing.content : '';
    const attachments = await this.#replies.withMentioned(mentioning, outgoing.attachments);
    const { conversationId, messageId: id, content, model, ...rest } = await this.#redirect(outgoing);
    const parts = { ...rest, ...(attachments.length > 0 && { attachments }) };
    if (!history.get(conversationId)) {
      const title = titleFrom(content);
      const conversation = await client.request('conversation/create', { id: conversationId, title });
      history.apply(conversation);
      if (conversation.deletedAt === null) this.#select(conversationId);
    }
    const message = await client.request('message/add', {
      conversationId,
      id,
      role: 'user',
      content,
      model,
      ...(Object.keys(parts).length > 0 && { parts }),
    });
    if (history.get(conversationId)?.title === '') await this.#nameAfter(conversationId, content);
    // From here on it is safe, whatever becomes of the reply.
    if (model) this.#replies.answer(message, model);
    return message;
  }

  /**
   * Sends what is meant for an agent's conversation into a copy, since the agent goes on with its own. The copy has the
   * id of the message, so sending that again makes no other one.
   */
  async #redirect(outgoing: PanelParams<'send'>): Promise<PanelParams<'send'>> {
    const { client, history } = this.#ports;
    // The messages that the links name have other ids in the copy.
    const { conversationId, replyTo: _, alternativeOf: __, ...message } = outgoing;
    const conversation = history.get(conversationId);
    if (!conversation || !isImported(conversation)) return outgoing;
    const copy = await client.request('conversation/branch', { conversationId, id: message.messageId });
    history.apply(copy);
    this.#select(copy.id);
    return { ...message, conversationId: copy.id };
  }

  /** A conversation that nobody named takes its title from its first message; failing to do so loses nothing. */
  async #nameAfter(conversationId: string, content: string): Promise<void> {
    const { client, history, log } = this.#ports;
    try {
      history.apply(await client.request('conversation/rename', { conversationId, title: titleFrom(content) }));
    } catch (error) {
      log('warn', `chat: the conversation kept its empty title: ${String(error)}`);
    }
  }
}
