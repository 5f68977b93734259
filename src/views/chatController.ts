import { EventEmitter } from 'node:events';
import type { Attachment } from '../protocol/attachments.ts';
import { DevChatError } from '../protocol/errors.ts';
import type { Change, Message } from '../protocol/model.ts';
import type { CodeAction, PanelEvent, PanelMethod, PanelParams, PanelResults, PanelView } from '../protocol/panel.ts';
import { titleFrom } from '../protocol/title.ts';
import { type SeqRange, toRanges } from '../sync/sequence.ts';
import { findIn, readPart, readRange } from './chatReading.ts';
import { ChatReplies, type ReplyEditor, type ReplyPorts } from './chatReplies.ts';
import type { History } from './history.ts';
import { forPanel } from './messageParts.ts';

/** What the chat needs of the editor around it. */
export interface ChatEditor extends ReplyEditor {
  confirmDeleteMessage(): Promise<boolean>;
  openLink(url: string, text: string): Promise<void>;
  useCode(action: CodeAction, code: string, language: string): Promise<void>;
  copy(text: string): Promise<void>;
  runCommand(command: string, conversationId: string | undefined): Promise<void>;
  /** Says, in the user's language, that another window deleted the conversation. */
  deletedElsewhere(title: string): string;
  /** Says, in the user's language, that the conversation shown is not in the history any more. */
  readonly noLongerThere: string;
}

/** What the chat is made of. */
export interface ChatPorts extends ReplyPorts {
  history: History;
  editor: ChatEditor;
}

/** A resync that the panel was asked for. */
interface PanelResync {
  conversationId: string;
  onProgress(fetched: number, wanted: number): void;
  resolve(fetchedRanges: readonly SeqRange[]): void;
  reject(error: DevChatError): void;
}

type Handlers = { [M in PanelMethod]: (params: PanelParams<M>) => Promise<PanelResults[M]> };

/** What this window's chat shows, and what its panel may ask for; the panel itself may come and go. */
export class ChatController {
  readonly events = new EventEmitter<{ selected: [conversationId: string | null] }>();
  readonly #ports: ChatPorts;
  readonly #replies: ChatReplies;
  /** Every conversation that was shown: the panel may hold messages of it. */
  readonly #followed = new Set<string>();
  readonly #resyncs = new Set<PanelResync>();
  #post: ((event: PanelEvent) => void) | undefined;
  #selected: string | null = null;
  /** What the panel was last told, without the numbers of messages. */
  #shown: string | undefined;
  /** How often the history was read anew. */
  #generation = 0;
  #focusOnReady = false;
  /** What the panel is to be told when its page runs; undefined while it does. */
  #waiting: PanelEvent[] | undefined = [];
  #lastSend: Promise<unknown> = Promise.resolve();

  constructor(ports: ChatPorts) {
    this.#ports = ports;
    this.#replies = new ChatReplies(ports, (text) => this.#post?.({ type: 'notice', text, restorable: null }));
    for (const event of ['state', 'status', 'notice'] as const) ports.client.events.on(event, () => this.#postView());
    ports.client.events.on('stream', (piece) => {
      if (piece.conversationId === this.#selected) this.#post?.({ type: 'stream', piece });
    });
    ports.history.events.on('reloaded', () => this.#startAnew());
    ports.history.events.on('changes', (changes, messages) => this.#follow(changes, messages));
    ports.history.events.on('updated', () => this.#postView());
  }

  /** The conversation that this window shows. */
  get selected(): string | null {
    return this.#selected;
  }

  /** Gives the chat a panel to tell; undefined when it has gone. */
  attach(post: ((event: PanelEvent) => void) | undefined): void {
    this.#post = post;
    this.#shown = undefined;
    this.#waiting ??= [];
    for (const { resolve } of this.#resyncs) resolve([]);
  }

  /** Shows a conversation, or with null the start page; with a number, that message of it. */
  select(conversationId: string | null, { seq }: { seq?: number | undefined } = {}): void {
    if (conversationId !== this.#selected) this.#change(conversationId);
    if (conversationId !== null && seq !== undefined) this.#postWhenReady({ type: 'jump', conversationId, seq });
  }

  /** Puts the keyboard focus in the composer, now or when the panel is there. */
  focusComposer(): void {
    this.#focusOnReady = this.#post === undefined;
    this.#post?.({ type: 'focus' });
  }

  /** Adds something to the message that is being written. */
  addAttachment(attachment: Attachment): void {
    this.#postWhenReady({ type: 'attach', attachment });
  }

  /** Lets the user choose who answers in the conversation that is shown. */
  selectModel(): void {
    this.#postWhenReady({ type: 'selectModel' });
  }

  /** Finds out whether a language model is on offer, for a panel that is there to say so. */
  async lookForModels(): Promise<void> {
    if (!this.#post) return;
    await this.#replies.look();
    this.#postView();
  }

  /**
   * Has the panel fetch what it lacks of the conversation that it shows; of another one it lacks nothing.
   * @param onProgress called with the number of messages fetched, and of those that are wanted
   * @param signal ends it with what has come so far
   * @returns the numbers that were fetched
   */
  async resync(
    conversationId: string,
    onProgress: PanelResync['onProgress'],
    signal: AbortSignal,
  ): Promise<readonly SeqRange[]> {
    if (!this.#post || conversationId !== this.#selected || signal.aborted) return [];
    const { promise, resolve, reject } = Promise.withResolvers<readonly SeqRange[]>();
    const resync = { conversationId, onProgress, resolve, reject };
    const cancel = () => this.#post?.({ type: 'cancelResync', conversationId });
    this.#resyncs.add(resync);
    signal.addEventListener('abort', cancel);
    this.#post({ type: 'resync', conversationId });
    try {
      return await promise;
    } finally {
      signal.removeEventListener('abort', cancel);
      this.#resyncs.delete(resync);
    }
  }

  /** Answers a request of the panel; its parameters have been checked. */
  handle<M extends PanelMethod>(method: M, params: PanelParams<M>): Promise<PanelResults[M]> {
    return this.#handlers[method](params);
  }

  readonly #handlers: Handlers = {
    ready: async ({ conversationId }) => {
      const { history } = this.#ports;
      // After a reload of the window the panel remembers what was shown; later the window itself knows better.
      if (conversationId !== null && this.#selected === null) {
        if (history.get(conversationId) || !history.isLoaded) this.select(conversationId);
        else this.#sayGone(conversationId);
      }
      if (this.#focusOnReady) this.focusComposer();
      for (const event of this.#waiting?.splice(0) ?? []) this.#post?.(event);
      this.#waiting = undefined;
      void this.lookForModels();
      return this.#view();
    },
    range: (params) => readRange(this.#ports.client, params),
    part: (params) => readPart(this.#ports.client, params),
    find: (params) => findIn(this.#ports.client, params),
    send: (params) => {
      const stored = this.#lastSend.then(() => this.#send(params));
      // The next message waits for this one, whatever becomes of it; the failure itself goes to the panel.
      this.#lastSend = stored.catch(() => undefined);
      return stored;
    },
    reply: async (params) => {
      await this.#replies.again(params);
      return null;
    },
    stop: async (reply) => {
      await this.#replies.stop(reply);
      return null;
    },
    selectModel: async ({ current }) => {
      const choice = await this.#replies.select(current);
      this.#postView();
      return choice;
    },
    edit: async (params) => forPanel(await this.#ports.client.request('message/update', params)),
    remove: async ({ messageId }) => {
      if (!(await this.#ports.editor.confirmDeleteMessage())) return false;
      await this.#ports.client.request('message/delete', { messageId });
      return true;
    },
    openLink: async ({ url, text }) => {
      await this.#ports.editor.openLink(url, text);
      return null;
    },
    useCode: async ({ action, text, language }) => {
      await this.#ports.editor.useCode(action, text, language);
      return null;
    },
    copy: async ({ text }) => {
      await this.#ports.editor.copy(text);
      return null;
    },
    runCommand: async ({ command, conversationId }) => {
      await this.#ports.editor.runCommand(command, conversationId);
      return null;
    },
    resyncing: async ({ conversationId, fetched, wanted }) => {
      for (const { onProgress } of this.#resyncsOf(conversationId)) onProgress(fetched, wanted);
      return null;
    },
    resynced: async ({ conversationId, fetchedRanges, problem }) => {
      for (const { resolve, reject } of this.#resyncsOf(conversationId)) {
        if (problem === null) resolve(fetchedRanges);
        else reject(new DevChatError('unexpected', problem));
      }
      return null;
    },
    log: async ({ text }) => {
      this.#ports.log('warn', `panel: ${text}`);
      return null;
    },
  };

  #change(conversationId: string | null): void {
    this.#selected = conversationId;
    if (conversationId !== null) this.#followed.add(conversationId);
    this.#postView();
    this.events.emit('selected', conversationId);
  }

  #resyncsOf(conversationId: string): PanelResync[] {
    return [...this.#resyncs].filter((resync) => resync.conversationId === conversationId);
  }

  async #send({ conversationId, messageId: id, content, model, ...rest }: PanelParams<'send'>): Promise<Message> {
    const { client, history } = this.#ports;
    const attachments = await this.#replies.withMentioned(model ? content : '', rest.attachments);
    const parts = { ...rest, ...(attachments.length > 0 && { attachments }) };
    if (!history.get(conversationId)) {
      const title = titleFrom(content);
      const conversation = await client.request('conversation/create', { id: conversationId, title });
      history.apply(conversation);
      if (conversation.deletedAt === null) this.select(conversationId);
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

  /** A conversation that nobody named takes its title from its first message; failing to do so loses nothing. */
  async #nameAfter(conversationId: string, content: string): Promise<void> {
    try {
      const title = titleFrom(content);
      this.#ports.history.apply(await this.#ports.client.request('conversation/rename', { conversationId, title }));
    } catch (error) {
      this.#ports.log('warn', `chat: the conversation kept its empty title: ${String(error)}`);
    }
  }

  #view(): PanelView {
    const { client, history } = this.#ports;
    const conversation = this.#selected === null ? undefined : history.get(this.#selected);
    return {
      conversation: conversation
        ? { id: conversation.id, title: conversation.title, lastSeq: conversation.lastSeq }
        : null,
      connection: client.state === 'ready' && !history.isLoaded ? 'starting' : client.state,
      generation: this.#generation,
      problem: client.problem,
      readOnly: client.readOnly,
      hasModel: this.#replies.isOffered,
      lastModel: this.#ports.lastModel.get(),
      instanceId: client.session?.instanceId ?? null,
    };
  }

  #postWhenReady(event: PanelEvent): void {
    if (this.#waiting) this.#waiting.push(event);
    else this.#post?.(event);
  }

  /** Tells the panel what has changed around the messages; new messages bring their number themselves. */
  #postView(): void {
    const view = this.#view();
    const shown = JSON.stringify({ ...view, conversation: view.conversation && { ...view.conversation, lastSeq: 0 } });
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.#post?.({ type: 'view', view });
  }

  /** Tells the panel what has changed in conversations that it may hold; what did not come along it asks for itself. */
  #follow(changes: readonly Change[], messages: readonly Message[]): void {
    const changed = changes.filter(({ conversationId }) => this.#followed.has(conversationId));
    for (const [conversationId, entries] of Map.groupBy(changed, (change) => change.conversationId)) {
      const rows = messages.filter((message) => message.conversationId === conversationId).map(forPanel);
      const brought = new Set(rows.map(({ seq }) => seq));
      const seqs = entries.flatMap(({ seq }) => seq ?? []);
      const outdated = toRanges(seqs.filter((seq) => !brought.has(seq)));
      if (seqs.length > 0) {
        const lastSeq = this.#ports.history.lastSeq(conversationId);
        this.#post?.({ type: 'messages', conversationId, messages: rows, outdated, lastSeq });
      }
    }
    const deleted = changes.find(
      ({ changeType, conversationId }) => changeType === 'ConversationDeleted' && conversationId === this.#selected,
    );
    if (deleted) this.#leaveDeleted(deleted);
  }

  #leaveDeleted({ conversationId, originInstanceId }: Change): void {
    const { client, history } = this.#ports;
    // Restored since: the rows are newer than the change.
    if (history.get(conversationId)) return;
    this.select(null);
    if (originInstanceId !== client.session?.instanceId) this.#sayGone(conversationId);
  }

  /** After everything was read anew, the panel learns so, and how far the conversation has come. */
  #startAnew(): void {
    const before = this.#selected;
    if (before !== null && !this.#ports.history.get(before)) {
      this.select(null);
      this.#sayGone(before);
    }
    this.#generation++;
  }

  #sayGone(conversationId: string): void {
    const { history, editor } = this.#ports;
    const deleted = history.deleted().find(({ id }) => id === conversationId);
    const text = deleted ? editor.deletedElsewhere(deleted.title) : editor.noLongerThere;
    this.#post?.({ type: 'notice', text, restorable: deleted ? conversationId : null });
  }
}
