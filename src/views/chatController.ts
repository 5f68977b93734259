import { EventEmitter } from 'node:events';
import type { InstanceClient } from '../instance/client/instanceClient.ts';
import type { Log } from '../protocol/log.ts';
import type { Change, Message } from '../protocol/model.ts';
import type { PanelEvent, PanelMethod, PanelParams, PanelResults, PanelView } from '../protocol/panel.ts';
import { titleFrom } from '../protocol/title.ts';
import { type SeqRange, toRanges } from '../sync/sequence.ts';
import type { History } from './history.ts';

/** What the chat needs of the editor around it. */
export interface ChatEditor {
  confirmDeleteMessage(): Promise<boolean>;
  openLink(url: string): Promise<void>;
  copy(text: string): Promise<void>;
  runCommand(command: string, conversationId: string | undefined): Promise<void>;
  /** Says, in the user's language, that another window deleted the conversation. */
  deletedElsewhere(title: string): string;
  /** Says, in the user's language, that the conversation shown is not in the history any more. */
  readonly noLongerThere: string;
}

/** What the chat is made of. */
export interface ChatPorts {
  client: InstanceClient;
  history: History;
  editor: ChatEditor;
  log: Log;
}

type Handlers = { [M in PanelMethod]: (params: PanelParams<M>) => Promise<PanelResults[M]> };

/** What this window's chat shows, and what its panel may ask for; the panel itself may come and go. */
export class ChatController {
  readonly events = new EventEmitter<{ selected: [conversationId: string | null] }>();
  readonly #ports: ChatPorts;
  readonly #staleSeqs = new Set<number>();
  #post: ((event: PanelEvent) => void) | undefined;
  #selected: string | null = null;
  /** What the panel was last told, without the numbers of messages. */
  #shown: string | undefined;
  #isFetching = false;
  #focusOnReady = false;
  #lastSend: Promise<unknown> = Promise.resolve();

  constructor(ports: ChatPorts) {
    this.#ports = ports;
    ports.client.events.on('state', () => this.#postView()).on('status', () => this.#postView());
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
  }

  /** Shows a conversation, or with null the start page. */
  select(conversationId: string | null): void {
    if (conversationId === this.#selected) return;
    this.#selected = conversationId;
    this.#staleSeqs.clear();
    this.#postView();
    this.events.emit('selected', conversationId);
  }

  /** Puts the keyboard focus in the composer, now or when the panel is there. */
  focusComposer(): void {
    this.#focusOnReady = this.#post === undefined;
    this.#post?.({ type: 'focus' });
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
      return this.#view();
    },
    range: (params) => this.#ports.client.request('message/range', params),
    send: (params) => {
      const stored = this.#lastSend.then(() => this.#send(params));
      // The next message waits for this one, whatever becomes of it; the failure itself goes to the panel.
      this.#lastSend = stored.catch(() => undefined);
      return stored;
    },
    edit: (params) => this.#ports.client.request('message/update', params),
    remove: async ({ messageId }) => {
      if (!(await this.#ports.editor.confirmDeleteMessage())) return false;
      await this.#ports.client.request('message/delete', { messageId });
      return true;
    },
    openLink: async ({ url }) => {
      await this.#ports.editor.openLink(url);
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
  };

  async #send({ conversationId, messageId, content }: PanelParams<'send'>): Promise<Message> {
    const { client, history } = this.#ports;
    if (!history.get(conversationId)) {
      const title = titleFrom(content);
      const conversation = await client.request('conversation/create', { id: conversationId, title });
      history.apply(conversation);
      if (conversation.deletedAt === null) this.select(conversationId);
    }
    const message = await client.request('message/add', { conversationId, id: messageId, role: 'user', content });
    if (history.get(conversationId)?.title === '') await this.#nameAfter(conversationId, content);
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
      problem: client.problem,
      readOnly: client.readOnly,
      hasModel: false,
    };
  }

  /** Tells the panel what has changed around the messages; new messages bring their number themselves. */
  #postView(): void {
    const view = this.#view();
    const shown = JSON.stringify({ ...view, conversation: view.conversation && { ...view.conversation, lastSeq: 0 } });
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.#post?.({ type: 'view', view });
  }

  #follow(changes: readonly Change[], messages: readonly Message[]): void {
    const rows = messages.filter(({ conversationId }) => conversationId === this.#selected);
    const told = new Set(rows.map(({ seq }) => seq));
    for (const change of changes) {
      if (change.conversationId !== this.#selected) continue;
      if (change.changeType === 'ConversationDeleted') this.#leaveDeleted(change);
      else if (change.seq !== null && !told.has(change.seq)) this.#staleSeqs.add(change.seq);
    }
    const shown = this.#selected === null ? undefined : this.#ports.history.get(this.#selected);
    if (shown && rows.length > 0) {
      this.#post?.({ type: 'messages', conversationId: shown.id, messages: rows, lastSeq: shown.lastSeq });
    }
    void this.#fetchStale();
  }

  /** Sends the panel the present rows of all changed messages; changes during a fetch join the next one. */
  async #fetchStale(): Promise<void> {
    if (this.#isFetching) return;
    this.#isFetching = true;
    try {
      while (this.#selected !== null && this.#post) {
        const [range] = toRanges(this.#staleSeqs);
        if (!range) break;
        await this.#fetchRange(this.#selected, range);
      }
    } catch (error) {
      // What is still stale goes with the next change, or is read anew when the connection is back.
      this.#ports.log('warn', `chat: changed messages could not be read: ${String(error)}`);
    } finally {
      this.#isFetching = false;
    }
  }

  /** Fetches as much of a range as one answer holds; the rest stays stale. */
  async #fetchRange(conversationId: string, { from, to }: SeqRange): Promise<void> {
    // Taken out before the question, so that a change that comes before the answer counts again.
    for (let seq = from; seq <= to; seq++) this.#staleSeqs.delete(seq);
    let told = from - 1;
    try {
      const range = { conversationId, fromSeq: from, toSeq: to };
      const answer = await this.#ports.client.request('message/range', range);
      told = answer.messages.at(-1)?.seq ?? to;
      this.#post?.({ type: 'messages', conversationId, ...answer });
    } finally {
      if (conversationId === this.#selected) for (let seq = told + 1; seq <= to; seq++) this.#staleSeqs.add(seq);
    }
  }

  #leaveDeleted({ conversationId, originInstanceId }: Change): void {
    const { client, history } = this.#ports;
    // Restored since: the rows are newer than the change.
    if (history.get(conversationId)) return;
    this.select(null);
    if (originInstanceId !== client.session?.instanceId) this.#sayGone(conversationId);
  }

  /** After everything was read anew, the panel learns how far the conversation has come, whatever it knew. */
  #startAnew(): void {
    const before = this.#selected;
    if (before !== null && !this.#ports.history.get(before)) {
      this.select(null);
      this.#sayGone(before);
    }
    this.#shown = undefined;
  }

  #sayGone(conversationId: string): void {
    const { history, editor } = this.#ports;
    const deleted = history.deleted().find(({ id }) => id === conversationId);
    const text = deleted ? editor.deletedElsewhere(deleted.title) : editor.noLongerThere;
    this.#post?.({ type: 'notice', text, restorable: deleted ? conversationId : null });
  }
}
