import type { InstanceClient } from '../instance/client/instanceClient.ts';
import { DevChatError, errorText, hasReason, serialiseError } from '../protocol/errors.ts';
import type { Log } from '../protocol/log.ts';
import type { Message, MessageStatus } from '../protocol/model.ts';
import { type ChatParts, mergeParts, readParts } from '../protocol/parts.ts';
import type { Notifications } from '../protocol/rpc.ts';
import { titleFrom } from '../protocol/title.ts';
import { findModel } from './catalog.ts';
import { readLine } from './conversationLine.ts';
import { DEFAULT_INPUT_TOKENS, promptFrom } from './prompt.ts';
import type { ModelProvider } from './provider.ts';
import { ReplyWriter } from './replyWriter.ts';
import { titleByModel } from './titles.ts';

/** Longest reply, in UTF-16 code units: a model that repeats itself would never end. */
const MAX_REPLY = 1_000_000;

/** Why a reply ends early though nothing is wrong. */
const STOPPED = new Error('the user has stopped the reply');
const CLOSING = new Error('the window is closed');

/** What replies need of the window around them. */
export interface ReplyPorts {
  client: InstanceClient;
  /** Asked for every reply: the settings may have changed. */
  providers(): readonly ModelProvider[];
  /** What this window is called where another one looks on. */
  windowName: string;
  /** The title of a conversation; undefined when it is unknown or deleted. */
  titleOf(conversationId: string): string | undefined;
  log: Log;
}

/** What is to be answered. */
export interface ReplyRequested {
  /** The user's message as it was stored, so that it is safe before anything goes to a model. */
  question: Message;
  modelId: string;
  /** The answer, or failure, that this reply is another version of. */
  alternativeOf?: string;
}

interface Running {
  writer: ReplyWriter;
  abort: AbortController;
  conversationId: string;
  ended: Promise<void>;
}

/** How a reply came to its end. */
interface Outcome {
  status: Exclude<MessageStatus, 'streaming'>;
  parts: ChatParts;
  /** Who has answered a conversation's first question in full, and may name the conversation. */
  namer?: ModelProvider;
}

/** The replies that this window runs. Every window sees them grow, and any may stop them. */
export class Replies {
  readonly #ports: ReplyPorts;
  readonly #running = new Map<string, Running>();
  readonly #closing = new AbortController();
  readonly #follow = (change: Notifications['change']) => this.#lookForStops(change);
  readonly #reload = () => this.#lookAgain();

  constructor(ports: ReplyPorts) {
    this.#ports = ports;
    ports.client.events.on('change', this.#follow).on('reload', this.#reload);
  }

  /**
   * Lets a model answer, in a new message of the history. Resolves when the reply has ended, well or not (why it is not
   * whole stands in its parts), and its conversation has a title.
   * @throws {DevChatError} when the history cannot take the reply
   */
  async run({ question, modelId, alternativeOf }: ReplyRequested): Promise<void> {
    const { client, windowName: name } = this.#ports;
    const { conversationId, id: replyTo } = question;
    const abort = new AbortController();
    const runBy = { instanceId: client.session?.instanceId ?? '', name };
    const parts: ChatParts = { replyTo, ...(alternativeOf && { alternativeOf }), runBy };
    const start = { conversationId, model: modelId, parts };
    const writer = await ReplyWriter.open(client, start, (error) => abort.abort(error));
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    this.#running.set(writer.id, { writer, abort, conversationId, ended });
    if (this.#closing.signal.aborted) abort.abort(CLOSING);
    let outcome: Outcome;
    try {
      outcome = await this.#answer({ question, modelId }, writer, abort.signal);
      await writer.finish(outcome.status, { ...parts, ...outcome.parts }).catch(unlessDeleted);
    } finally {
      this.#running.delete(writer.id);
      resolve();
    }
    if (outcome.namer) await this.#name(outcome.namer, modelId, question, writer.text);
  }

  /**
   * Stops a reply that some window runs. Another window reads the wish in the message's parts.
   * @throws {DevChatError}
   */
  async stop({ id, conversationId, seq }: Pick<Message, 'id' | 'conversationId' | 'seq'>): Promise<void> {
    const running = this.#running.get(id);
    if (running) return running.abort.abort(STOPPED);
    const message = await this.#read(conversationId, seq);
    if (message?.status !== 'streaming') return;
    await this.#ports.client.request('message/update', {
      messageId: id,
      parts: mergeParts(message.parts, { stopped: true }),
    });
  }

  /** Ends all replies of this window, as interrupted, and waits for that. */
  async dispose(): Promise<void> {
    this.#ports.client.events.off('change', this.#follow).off('reload', this.#reload);
    this.#closing.abort(CLOSING);
    for (const { abort } of this.#running.values()) abort.abort(CLOSING);
    await Promise.all([...this.#running.values()].map(({ ended }) => ended));
  }

  /** Has the model's answer written; what goes wrong is part of the outcome. */
  async #answer({ question, modelId }: ReplyRequested, writer: ReplyWriter, signal: AbortSignal): Promise<Outcome> {
    let sent: ChatParts = {};
    try {
      const { provider, maxInputTokens } = await findModel(this.#ports.providers(), modelId, signal);
      const maxTokens = maxInputTokens ?? DEFAULT_INPUT_TOKENS;
      const line = await readLine(this.#ports.client, question, maxTokens);
      const { messages, fromSeq, count, isWhole } = promptFrom(line, maxTokens);
      sent = { prompt: { fromSeq, messages: count, ...(!isWhole && { isPart: true }) } };
      for await (const piece of provider.reply({ modelId, messages }, signal)) {
        writer.write(piece);
        if (writer.text.length > MAX_REPLY) throw new DevChatError('cut-off', 'The reply got too long, and was ended.');
      }
      if (writer.text.trim() === '') throw new DevChatError('model-failed', 'The model said nothing. Retry.');
      return { status: 'complete', parts: sent, ...(count === 1 && { namer: provider }) };
    } catch (error) {
      if (error === STOPPED) return { status: 'interrupted', parts: { ...sent, stopped: true } };
      if (error === CLOSING) return { status: 'interrupted', parts: sent };
      const failure = serialiseError(error);
      this.#ports.log('warn', `replies: ${modelId} did not answer to the end (${failure.reason})`);
      return { status: failure.reason === 'cut-off' ? 'interrupted' : 'error', parts: { ...sent, failure } };
    }
  }

  /** Names a conversation after its first exchange, unless the user has named it; failing to do so loses nothing. */
  async #name(provider: ModelProvider, modelId: string, question: Message, answer: string): Promise<void> {
    const { client, titleOf, log } = this.#ports;
    const { conversationId, content } = question;
    const isUnnamed = () => ['', titleFrom(content)].includes(titleOf(conversationId) ?? 'deleted');
    try {
      if (!isUnnamed()) return;
      const title = await titleByModel(provider, modelId, { question: content, answer }, this.#closing.signal);
      if (title !== '' && isUnnamed()) await client.request('conversation/rename', { conversationId, title });
    } catch (error) {
      log('info', `replies: a conversation kept its first words as its title (${serialiseError(error).reason})`);
    }
  }

  #lookForStops({ changes, messages }: Notifications['change']): void {
    const own = this.#ports.client.session?.instanceId;
    for (const { changeType, conversationId, messageId, originInstanceId } of changes) {
      if (changeType === 'ConversationDeleted') this.#leave(conversationId);
      const running = this.#running.get(messageId ?? '');
      // One's own changes are many, and ask for nothing.
      if (!running || originInstanceId === own) continue;
      const row = messages.find(({ id }) => id === messageId);
      void this.#look(running, row);
    }
  }

  #leave(conversationId: string): void {
    for (const running of this.#running.values()) {
      if (running.conversationId === conversationId) running.abort.abort(deleted());
    }
  }

  #lookAgain(): void {
    for (const running of this.#running.values()) void this.#look(running);
  }

  /** Ends a reply whose message somebody has stopped or deleted. */
  async #look({ writer, abort, conversationId }: Running, row?: Message): Promise<void> {
    try {
      const message = row ?? (await this.#read(conversationId, writer.seq));
      if (readParts(message?.parts).stopped) abort.abort(STOPPED);
      if (message && message.deletedAt !== null) abort.abort(deleted());
    } catch (error) {
      // Its next piece will not be taken if it was deleted.
      this.#ports.log('warn', `replies: a running reply could not be looked at: ${errorText(error)}`);
    }
  }

  async #read(conversationId: string, seq: number): Promise<Message | undefined> {
    const range = { conversationId, fromSeq: seq, toSeq: seq };
    return (await this.#ports.client.request('message/range', range)).messages[0];
  }
}

function deleted(): DevChatError {
  return new DevChatError('deleted', 'This reply was deleted.');
}

/** A message that was deleted has nothing to say of its end. */
function unlessDeleted(error: unknown): void {
  if (!hasReason(error, 'deleted')) throw error;
}
