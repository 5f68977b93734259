import { batch, computed, type Signal, signal } from '@preact/signals';
import { v7 as uuid } from 'uuid';
import { type Reason, serialiseError } from '../../protocol/errors.ts';
import type { Message, StreamPiece } from '../../protocol/model.ts';
import type { PanelParams, PanelState, PanelStrings, PanelView } from '../../protocol/panel.ts';
import type { SeqRange } from '../../sync/sequence.ts';
import { announcementOf } from './announcement.ts';
import type { Api, PanelNews } from './api.ts';
import type { Destination } from './destination.ts';
import { moveDraft, NO_CONVERSATION, rescueEdits, withDraft } from './drafts.ts';
import { Edits } from './edits.ts';
import { Find } from './find.ts';
import { GrowingRows } from './growingRows.ts';
import { LiveTexts } from './liveTexts.ts';
import type { CodeActions } from './markdown/codeBlock.tsx';
import { NoticeList } from './noticeList.ts';
import { Outbox, type OutboxEntry } from './outbox.ts';
import { Replies } from './replies.ts';
import { tellSeen, tellUnsent } from './reports.ts';
import { pageTimers, Timelines } from './timelines.ts';
import { Writing } from './writing.ts';

const KEPT_ANCHORS = 100;
const START_RETRY_MS = 2000;
const gone: ReadonlySet<Reason> = new Set<Reason>(['deleted', 'not-found']);

/** Everything the panel knows, and what can be done with it; the components only show it. */
export class Panel {
  readonly api: Api;
  readonly strings: PanelStrings;
  /** What outlives a reload of the window. */
  readonly state: Signal<PanelState>;
  readonly view = signal<PanelView | null>(null);
  readonly notices = new NoticeList();
  /** Short text for screen readers about what others wrote. */
  readonly announcement = signal('');
  /** Rises whenever the composer should take the focus. */
  readonly focusRequests = signal(0);
  readonly outbox: Outbox;
  readonly timelines: Timelines;
  readonly replies: Replies;
  readonly writing: Writing;
  readonly edits: Edits;
  readonly find: Find;
  readonly codeActions: CodeActions;
  /** Where the reader wants to go; null when there. */
  readonly destination = signal<Destination | null>(null);
  /** True from the wish for a resync to its end. */
  readonly isResyncing = signal(false);
  /** What is known of messages that are being written. */
  readonly live = new LiveTexts((action) => requestAnimationFrame(action));
  readonly #growing: GrowingRows;
  /** Made for the first message when no conversation is shown, and used until the host shows one. */
  readonly #newId = signal<string | null>(null);
  /** The conversation last shown before there was none; if it is restored, so is its draft. */
  #left: string | null = null;
  /** The conversation that the host has asked to resync. */
  #resyncing: string | null = null;

  readonly currentId = computed(() => this.state.value.conversationId ?? this.#newId.value);
  readonly timeline = computed(() => (this.currentId.value === null ? null : this.timelines.of(this.currentId.value)));
  readonly draftKey = computed(() => this.state.value.conversationId ?? NO_CONVERSATION);
  readonly drafts = computed(() => this.state.value.drafts);

  /** Entries to show here: the conversation's own, and those whose conversation is gone, so that no text gets lost. */
  readonly unsent = computed(() =>
    this.outbox.entries.value.filter(({ conversationId, messageId }) => {
      const failure = this.outbox.failures.value.get(messageId);
      return conversationId === this.currentId.value || (failure && gone.has(failure.reason));
    }),
  );

  constructor(api: Api, strings: PanelStrings, restored: PanelState) {
    this.api = api;
    this.strings = strings;
    this.state = signal(restored);
    this.outbox = new Outbox({
      entries: computed(() => this.state.value.outbox),
      setEntries: (outbox) => {
        this.state.value = { ...this.state.value, outbox };
      },
      send: (entry) => api.request('send', entry).catch((error: unknown) => this.#failSend(entry, error)),
      isReady: () => this.#canSave(),
      onStored: (message) => this.timelines.receive(message.conversationId, [message], message.seq),
    });
    this.timelines = new Timelines({
      fetch: (range, signal) => api.request('range', range, signal),
      onRows: (conversationId, rows) => this.#takeNote(conversationId, rows),
      onStatus: (conversationId, { fetched, wanted }) => {
        if (conversationId === this.#resyncing) this.#tell('resyncing', { conversationId, fetched, wanted });
      },
      timers: pageTimers,
      log: (text) => this.#tell('log', { text }),
    });
    this.#growing = new GrowingRows({
      rows: (conversationId) => this.#rows(conversationId),
      due: (conversationId, numbers) => this.timelines.fetchAnew(conversationId, numbers),
      timers: pageTimers,
    });
    const { state, view, currentId, timeline, draftKey, outbox } = this;
    this.replies = new Replies({
      ...{ state, view, currentId, timeline },
      request: (method, params) => api.request(method, params),
    });
    this.writing = new Writing({
      ...{ state, draftKey, outbox, strings, replies: this.replies },
      target: () => this.#target(),
    });
    this.edits = new Edits({
      request: (method, params) => api.request(method, params),
      receive: (conversationId, rows, lastSeq) => this.timelines.receive(conversationId, rows, lastSeq),
      write: (key, text) => this.write(key, text),
      ...{ strings, report: this.report },
    });
    this.find = new Find({
      search: (conversationId, query) => api.request('find', { conversationId, query }),
      place: (conversationId) => this.state.value.anchors[conversationId]?.seq ?? null,
      goTo: (conversationId, seq) => this.goTo({ conversationId, seq, takesFocus: false, isMarked: true }),
      report: this.report,
    });
    this.codeActions = {
      strings,
      copy: (text) => api.request('copy', { text }).catch(this.report),
      use: (action, text, language) => api.request('useCode', { action, text, language }).catch(this.report),
    };
    tellSeen(this, (seen) => this.#tell('seen', seen));
    tellUnsent(this.outbox.entries, (count) => this.#tell('unsent', { count }));
    if (restored.conversationId === null) this.#newId.value = restored.outbox.at(-1)?.conversationId ?? null;
  }

  /** Tells the host that the panel runs, until it answers. */
  async start(): Promise<void> {
    try {
      this.#show(await this.api.request('ready', { conversationId: this.state.value.conversationId }));
    } catch (error) {
      this.report(error);
      setTimeout(() => void this.start(), START_RETRY_MS);
    }
  }

  handle(news: PanelNews): void {
    if (news.type === 'view') this.#show(news.view);
    else if (news.type === 'messages') this.#receiveRows(news);
    else if (news.type === 'stream') this.#receivePiece(news.piece);
    else if (news.type === 'notice') this.notices.add(news.text, news.restorable);
    else if (news.type === 'focus') this.focusRequests.value++;
    else if (news.type === 'jump')
      this.goTo({ conversationId: news.conversationId, seq: news.seq, takesFocus: true, isMarked: true });
    else if (news.type === 'attach') this.writing.attach(news.attachment);
    else if (news.type === 'selectModel') this.replies.selectModel().catch(this.report);
    else if (news.type === 'resync') void this.#resync(news.conversationId);
    else if (news.type === 'cancelResync') this.timelines.cancelResync(news.conversationId);
  }

  /** Tells the host that commands now mean what this panel shows. */
  noteFocus(): void {
    this.#tell('focused', {});
  }

  /** Goes on with a copy of a conversation that ends with one of its messages. */
  branch({ conversationId, seq }: Message): void {
    this.api.request('runCommand', { command: 'devchat.branchConversation', conversationId, seq }).catch(this.report);
  }

  /** Shows an error once, however often it occurs. */
  readonly report = (error: unknown): void => {
    this.notices.addOnce(serialiseError(error).message);
  };

  /** Gives the text of an unsent message back to the composer. */
  takeBack(entry: OutboxEntry): void {
    this.writing.takeBack(entry);
    this.focusRequests.value++;
  }

  /** Keeps unfinished text; see {@link withDraft} for the key. */
  write(key: string, text: string | null): void {
    this.state.value = withDraft(this.state.value, key, text);
    if (text === null) this.edits.end(key);
  }

  /** Has the host look for what is missing of the conversation that is shown, there and here. */
  async resync(): Promise<void> {
    const conversationId = this.state.value.conversationId;
    if (conversationId === null || this.isResyncing.value) return;
    this.isResyncing.value = true;
    try {
      await this.api.request('runCommand', { command: 'devchat.resync', conversationId });
    } catch (error) {
      this.report(error);
    } finally {
      this.isResyncing.value = false;
    }
  }

  /** Takes the reader to a message, as soon as its conversation is shown. */
  goTo(destination: Destination): void {
    this.destination.value = destination;
  }

  /** Keeps the reading position in a conversation; null stands for its end. */
  keepAnchor(conversationId: string, anchor: PanelState['anchors'][string] | null): void {
    const { [conversationId]: _, ...others } = this.state.value.anchors;
    const anchors = anchor ? { ...others, [conversationId]: anchor } : others;
    this.state.value = {
      ...this.state.value,
      anchors: Object.fromEntries(Object.entries(anchors).slice(-KEPT_ANCHORS)),
    };
  }

  /** Where the next message goes. */
  #target(): string {
    const conversationId = this.currentId.value ?? uuid();
    if (this.state.value.conversationId === null) this.#newId.value = conversationId;
    return conversationId;
  }

  /** The next message must not follow this one into a conversation that is gone. */
  #failSend({ conversationId }: OutboxEntry, error: unknown): never {
    if (gone.has(serialiseError(error).reason) && this.#newId.value === conversationId) this.#newId.value = null;
    throw error;
  }

  #show(view: PanelView): void {
    const before = this.state.value.conversationId;
    const couldSave = this.#canSave();
    // An instance that is still starting cannot know whether the conversation was deleted.
    const shown = view.conversation?.id ?? (view.connection === 'ready' ? null : before);
    batch(() => {
      this.view.value = view;
      if (shown !== before) this.#switch(before, shown, view.conversation?.lastSeq === 0);
    });
    this.timelines.show(view, shown === null ? undefined : this.state.value.anchors[shown]?.seq);
    if (this.#canSave() && !couldSave) this.outbox.flush();
  }

  #switch(before: string | null, shown: string | null, isNew: boolean): void {
    let state: PanelState = { ...this.state.value, conversationId: shown };
    if (shown === null && before !== null) {
      state = moveDraft(state, before, NO_CONVERSATION);
      this.#left = before;
    } else if (before === null && shown !== null && (isNew || shown === this.#newId.value || shown === this.#left)) {
      state = moveDraft(state, NO_CONVERSATION, shown);
    }
    this.#newId.value = null;
    this.state.value = state;
  }

  /** Draws the consequences of rows that are about to be shown. */
  #takeNote(conversationId: string, rows: readonly Message[]): void {
    this.#rescueEdits(rows);
    const timeline = this.timelines.find(conversationId);
    if (timeline && conversationId === this.currentId.value) {
      const others = rows.filter(({ id }) => !this.outbox.isOwn(id));
      this.announcement.value = announcementOf(timeline.pages.value, others, this.strings) ?? this.announcement.value;
    }
    this.live.settle(rows);
    this.replies.takeNote(conversationId, rows);
    this.outbox.remove(rows.map(({ id }) => id));
  }

  async #resync(conversationId: string): Promise<void> {
    this.#resyncing = conversationId;
    let fetchedRanges: readonly SeqRange[] = [];
    let problem: string | null = null;
    try {
      fetchedRanges = await this.timelines.resync(conversationId);
    } catch (error) {
      problem = serialiseError(error).message;
    } finally {
      this.#resyncing = null;
    }
    this.#tell('resynced', { conversationId, fetchedRanges: [...fetchedRanges], problem });
  }

  /** Tells the host something; when it is gone, there is nobody to know. */
  #tell<M extends 'log' | 'seen' | 'unsent' | 'focused' | 'resyncing' | 'resynced'>(
    method: M,
    params: PanelParams<M>,
  ): void {
    this.api.request(method, params).catch(() => undefined);
  }

  #rescueEdits(messages: readonly Message[]): void {
    const { state, hasText } = rescueEdits(this.state.value, messages);
    this.state.value = state;
    if (hasText) this.notices.addOnce(this.strings.editLost);
  }

  #receiveRows({ conversationId, messages, lastSeq, outdated }: Extract<PanelNews, { type: 'messages' }>): void {
    this.timelines.receive(conversationId, messages, lastSeq, this.#growing.putOff(conversationId, outdated));
  }

  #receivePiece(piece: StreamPiece): void {
    const row = this.#rows(piece.conversationId).findLast(({ id }) => id === piece.messageId);
    if (row?.status === 'streaming') this.#growing.grows(row.id, this.live.add(piece, row.content));
  }

  /** The rows that are held of a conversation. */
  #rows(conversationId: string): readonly Message[] {
    return this.timelines.find(conversationId)?.pages.peek().rows ?? [];
  }

  #isReady(): boolean {
    return this.view.value?.connection === 'ready';
  }

  #canSave(): boolean {
    return this.#isReady() && this.view.value?.readOnly === null;
  }
}
