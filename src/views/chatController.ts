import { EventEmitter } from 'node:events';
import type { Attachment } from '../protocol/attachments.ts';
import type { Change, ChangeType, Conversation, Message, StreamPiece } from '../protocol/model.ts';
import type {
  CodeAction,
  PanelEvent,
  PanelMethod,
  PanelParams,
  PanelResults,
  PanelView,
  ShownConversation,
} from '../protocol/panel.ts';
import { mergeRanges, type SeqRange, subtractRanges, toRanges } from '../sync/sequence.ts';
import { findIn, readPart, readRange } from './chatReading.ts';
import { ChatReplies, type ReplyEditor, type ReplyPorts } from './chatReplies.ts';
import { ChatResyncs, type ResyncProgress } from './chatResyncs.ts';
import { ChatSending } from './chatSending.ts';
import { type History, isImported } from './history.ts';
import { resumeCommand } from './import/resume.ts';
import { forPanel } from './messageParts.ts';
import { PieceFlow, type Post } from './pieceFlow.ts';
import type { Presence } from './presence.ts';
import { ReadMark } from './readMark.ts';

/** What the chat needs of the editor around it. */
export interface ChatEditor extends ReplyEditor {
  confirmDeleteMessage(): Promise<boolean>;
  openLink(url: string, text: string): Promise<void>;
  useCode(action: CodeAction, code: string, language: string): Promise<void>;
  copy(text: string): Promise<void>;
  runCommand(command: string, conversationId: string | undefined, seq: number | undefined): Promise<void>;
  /** Whether the user is at this window. */
  isFocused(): boolean;
  /** The name of a source, as users know it. */
  sourceName(source: string): string;
  /** Says, in the user's language, that another window deleted the conversation. */
  deletedElsewhere(title: string): string;
  /** Says, in the user's language, that the conversation shown is not in the history any more. */
  readonly noLongerThere: string;
}

/** What the chat is made of. */
export interface ChatPorts extends ReplyPorts {
  history: History;
  presence: Presence;
  editor: ChatEditor;
}

/** The changes after which a conversation is no longer to be shown. */
const deletions: ReadonlySet<string> = new Set<ChangeType>(['ConversationDeleted', 'ConversationPurged']);

type Handlers = { [M in PanelMethod]: (params: PanelParams<M>) => Promise<PanelResults[M]> };

/** What this window's chat shows, and what its panel may ask for; the panel itself may come and go. */
export class ChatController {
  readonly events = new EventEmitter<{ selected: [conversationId: string | null]; used: []; unsent: [] }>();
  readonly #ports: ChatPorts;
  readonly #replies: ChatReplies;
  /** Every conversation that was shown: the panel may hold messages of it. */
  readonly #followed = new Set<string>();
  readonly #resyncs = new ChatResyncs();
  readonly #sending: ChatSending;
  readonly #readMark: ReadMark;
  #post: Post | undefined;
  #pieces: PieceFlow | undefined;
  #selected: string | null = null;
  /** What the panel was last told, without the numbers of messages. */
  #shown: string | undefined;
  /** How often the history was read anew. */
  #generation = 0;
  #focusOnReady = false;
  #unsent = 0;
  /** What the panel is to be told when its page runs; undefined while it does. */
  #waiting: PanelEvent[] | undefined = [];

  constructor(ports: ChatPorts) {
    this.#ports = ports;
    this.#replies = new ChatReplies(ports, (text) => this.#post?.({ type: 'notice', text, restorable: null }));
    this.#sending = new ChatSending(ports, this.#replies, (conversationId) => this.select(conversationId));
    this.#readMark = new ReadMark({ ...ports, isFocused: () => ports.editor.isFocused() });
    const { client, history, presence } = ports;
    // Every chat of the window listens, however many there are.
    for (const { events } of [client, history, presence]) events.setMaxListeners(0);
    client.events.on('state', this.#postView).on('status', this.#postView).on('notice', this.#postView);
    client.events.on('stream', this.#postPiece);
    history.events.on('reloaded', this.#startAnew).on('changes', this.#follow).on('updated', this.#onUpdated);
    presence.events.on('changed', this.#postView);
  }

  /** Ends it together with its panel. */
  dispose(): void {
    const { client, history, presence } = this.#ports;
    this.attach(undefined);
    client.events.off('state', this.#postView).off('status', this.#postView).off('notice', this.#postView);
    client.events.off('stream', this.#postPiece);
    history.events.off('reloaded', this.#startAnew).off('changes', this.#follow).off('updated', this.#onUpdated);
    presence.events.off('changed', this.#postView);
  }

  /** The conversation that this window shows. */
  get selected(): string | null {
    return this.#selected;
  }

  /** How many messages wait in the panel to be stored. */
  get unsent(): number {
    return this.#unsent;
  }

  /** Gives the chat a panel to tell; undefined when it has gone. */
  attach(post: Post | undefined): void {
    this.#post = post;
    this.#pieces = post && new PieceFlow(post);
    this.#shown = undefined;
    this.#waiting ??= [];
    this.#resyncs.end();
    this.#readMark.dispose();
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
  async resync(conversationId: string, onProgress: ResyncProgress, signal: AbortSignal): Promise<readonly SeqRange[]> {
    if (!this.#post || conversationId !== this.#selected || signal.aborted) return [];
    return this.#resyncs.run(conversationId, (event) => this.#post?.(event), onProgress, signal);
  }

  /** Marks what is on screen as read, now that the user may be at the window again. */
  lookForRead(): void {
    this.#readMark.look();
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
    send: (params) => this.#sending.send(params),
    reply: (params) => done(this.#replies.again(params)),
    stop: (reply) => done(this.#replies.stop(reply)),
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
    openLink: ({ url, text }) => done(this.#ports.editor.openLink(url, text)),
    useCode: ({ action, text, language }) => done(this.#ports.editor.useCode(action, text, language)),
    copy: ({ text }) => done(this.#ports.editor.copy(text)),
    runCommand: ({ command, conversationId, seq }) => done(this.#ports.editor.runCommand(command, conversationId, seq)),
    seen: ({ conversationId, seq }) => done(this.#readMark.see(seq === null ? null : { conversationId, seq })),
    unsent: ({ count }) => {
      this.#unsent = count;
      return done(this.events.emit('unsent'));
    },
    focused: () => done(this.events.emit('used')),
    resyncing: (progress) => done(this.#resyncs.report(progress)),
    resynced: (outcome) => done(this.#resyncs.settle(outcome)),
    log: ({ text }) => done(this.#ports.log('warn', `panel: ${text}`)),
  };

  #change(conversationId: string | null): void {
    this.#selected = conversationId;
    this.#readMark.see(null);
    if (conversationId !== null) this.#followed.add(conversationId);
    this.#postView();
    this.events.emit('selected', conversationId);
  }

  #view(): PanelView {
    const { client, history, presence } = this.#ports;
    const conversation = this.#selected === null ? undefined : history.get(this.#selected);
    return {
      conversation: conversation ? toShown(conversation, this.#ports) : null,
      otherWindows: conversation ? presence.windows(conversation.id) : 0,
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
  readonly #postView = (): void => {
    const view = this.#view();
    const shown = JSON.stringify({ ...view, conversation: view.conversation && { ...view.conversation, lastSeq: 0 } });
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.#post?.({ type: 'view', view });
  };

  readonly #onUpdated = (): void => {
    this.#postView();
    this.#readMark.look();
  };

  readonly #postPiece = (piece: StreamPiece): void => {
    if (piece.conversationId === this.#selected) this.#pieces?.add(piece);
  };

  /** Tells the panel what has changed in conversations that it may hold; what did not come along it asks for itself. */
  readonly #follow = (changes: readonly Change[], messages: readonly Message[]): void => {
    const changed = changes.filter(({ conversationId }) => this.#followed.has(conversationId));
    for (const [conversationId, entries] of Map.groupBy(changed, (change) => change.conversationId)) {
      const rows = messages.filter((message) => message.conversationId === conversationId).map(forPanel);
      const touched = mergeRanges(
        entries.flatMap(({ firstSeq, seq }) => (seq === null ? [] : { from: firstSeq ?? seq, to: seq })),
        [],
      );
      const outdated = subtractRanges(touched, toRanges(rows.map(({ seq }) => seq)));
      if (touched.length > 0) {
        const lastSeq = this.#ports.history.lastSeq(conversationId);
        this.#post?.({ type: 'messages', conversationId, messages: rows, outdated, lastSeq });
      }
    }
    const deleted = changes.find(
      ({ changeType, conversationId }) => deletions.has(changeType) && conversationId === this.#selected,
    );
    if (deleted) this.#leaveDeleted(deleted);
  };

  #leaveDeleted({ conversationId, originInstanceId }: Change): void {
    const { client, history } = this.#ports;
    // Restored since: the rows are newer than the change.
    if (history.get(conversationId)) return;
    this.select(null);
    if (originInstanceId !== client.session?.instanceId) this.#sayGone(conversationId);
  }

  /** After everything was read anew, the panel learns so, and how far the conversation has come. */
  readonly #startAnew = (): void => {
    const before = this.#selected;
    if (before !== null && !this.#ports.history.get(before)) {
      this.select(null);
      this.#sayGone(before);
    }
    this.#generation++;
  };

  #sayGone(conversationId: string): void {
    const { history, editor } = this.#ports;
    const deleted = history.deleted().find(({ id }) => id === conversationId);
    const text = deleted ? editor.deletedElsewhere(deleted.title) : editor.noLongerThere;
    this.#post?.({ type: 'notice', text, restorable: deleted ? conversationId : null });
  }
}

function toShown(conversation: Conversation, { editor, history }: ChatPorts): ShownConversation {
  const { id, title, lastSeq, source, origin } = conversation;
  if (!isImported(conversation)) return { id, title, lastSeq, agent: null };
  const text = [editor.sourceName(source), origin?.branch, origin?.model].filter((part) => part != null).join(' · ');
  const beginning = origin?.beginsIn;
  const other = beginning && history.get(beginning.conversationId);
  const beginsIn = other ? { ...beginning, title: other.title } : null;
  return { id, title, lastSeq, agent: { text, isResumable: resumeCommand(conversation) !== undefined, beginsIn } };
}

/** The answer to a request that brings nothing, once its work is done. */
async function done(work: unknown): Promise<null> {
  await work;
  return null;
}
