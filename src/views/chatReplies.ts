import type { InstanceClient } from '../instance/client/instanceClient.ts';
import { type Attachment, attachedLength, MAX_ATTACHMENTS, titleOf } from '../protocol/attachments.ts';
import { DevChatError, serialiseError } from '../protocol/errors.ts';
import type { Log } from '../protocol/log.ts';
import { type Mention, mentionsIn } from '../protocol/mentions.ts';
import type { Message } from '../protocol/model.ts';
import type { PanelParams } from '../protocol/panel.ts';
import type { ChatModels, ReplyOrder } from './chatModels.ts';

/** What replies need of the editor. */
export interface ReplyEditor {
  /** Whether a language model is on offer, as far as that can be told without asking any service. */
  isModelOffered(): Promise<boolean>;
  /** Lets the user choose a model; null stands for none, undefined for no choice. */
  pickModel(models: Promise<ChatModels>, current: string | null): Promise<string | null | undefined>;
  /**
   * What a mention asks to attach, as it is now.
   * @throws {DevChatError} `bad-request` when there is no such thing
   */
  readAttachment(mention: Mention): Promise<Attachment>;
  /** Says, in the user's language, that what a message mentions is too much to attach. */
  readonly tooMuchMentioned: string;
}

/** The model that was chosen last in any window. */
export interface LastModel {
  get(): string | null;
  set(model: string | null): PromiseLike<void>;
}

/** What the replies of a chat are made of. */
export interface ReplyPorts {
  client: InstanceClient;
  editor: ReplyEditor;
  /** Loads the language models when they are first needed. */
  models(): Promise<ChatModels>;
  lastModel: LastModel;
  log: Log;
}

/** What this window's chat asks of language models. */
export class ChatReplies {
  readonly #ports: ReplyPorts;
  /** Tells the user why a reply could not be stored. */
  readonly #say: (problem: string) => void;
  /** The questions that were passed on: one that is sent again, because its answer got lost, is not asked again. */
  readonly #asked = new Set<string>();
  #isOffered: boolean | null = null;

  constructor(ports: ReplyPorts, say: (problem: string) => void) {
    this.#ports = ports;
    this.#say = say;
  }

  /** Whether a model is on offer; null while that is not known. */
  get isOffered(): boolean | null {
    return this.#isOffered;
  }

  /** Finds out whether a model is on offer. */
  async look(): Promise<void> {
    try {
      this.#isOffered = await this.#ports.editor.isModelOffered();
    } catch (error) {
      this.#ports.log('warn', `chat: the editor did not tell its models: ${String(error)}`);
    }
  }

  /** Lets the user choose a model; null when none was chosen. */
  async select(current: string | null): Promise<{ model: string | null } | null> {
    const { editor, lastModel, models } = this.#ports;
    const model = await editor.pickModel(models(), current);
    if (model === undefined) return null;
    await lastModel.set(model);
    return { model };
  }

  /**
   * The attachments of a message, with what its text mentions as it is now.
   * @throws {DevChatError} `bad-request` when something mentioned is not there, `too-large`
   */
  async withMentioned(content: string, attachments: readonly Attachment[] = []): Promise<Attachment[]> {
    const { editor } = this.#ports;
    const mentioned = await Promise.all(mentionsIn(content).map((mention) => editor.readAttachment(mention)));
    const titles = new Set(mentioned.map(titleOf));
    const all = [...attachments.filter((one) => !titles.has(titleOf(one))), ...mentioned];
    if (attachedLength(all) > MAX_ATTACHMENTS) throw new DevChatError('too-large', editor.tooMuchMentioned);
    return all;
  }

  /** Has a message answered that was just stored. */
  answer(question: Message, modelId: string): void {
    if (this.#asked.has(question.id)) return;
    this.#asked.add(question.id);
    void this.#run({ question, modelId });
  }

  /** Has a message answered once more. */
  async again({ conversationId, seq, model, alternativeOf }: PanelParams<'reply'>): Promise<void> {
    const range = { conversationId, fromSeq: seq, toSeq: seq };
    const [question] = (await this.#ports.client.request('message/range', range)).messages;
    if (question) void this.#run({ question, modelId: model, ...(alternativeOf && { alternativeOf }) });
  }

  async stop(reply: PanelParams<'stop'>): Promise<void> {
    await (await this.#ports.models()).stop(reply);
  }

  /** How a reply ends stands in the history; only what the history did not take is told here. */
  async #run(order: ReplyOrder): Promise<void> {
    try {
      await (await this.#ports.models()).run(order);
    } catch (error) {
      const { message } = serialiseError(error);
      this.#ports.log('error', `chat: a reply was given up: ${message}`);
      this.#say(message);
    }
  }
}
