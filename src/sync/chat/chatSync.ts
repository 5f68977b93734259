import type { Message } from '../../protocol/model.ts';
import { countSeqs, mergeRanges, type SeqRange, subtractRanges, toRanges, type Validity } from '../sequence.ts';
import {
  type Chat,
  contradiction,
  endHold,
  forgive,
  missing,
  newChat,
  newRun,
  type Run,
  statusOf,
  stop,
  verdict,
} from './chat.ts';
import { ConversationList } from './conversationList.ts';
import type { ChatSyncPorts, ReplicaStore, ResyncResult, SyncStatus } from './ports.ts';
import { repair } from './repair.ts';
import { wait } from './timers.ts';
import { type SyncAction, type SyncEvent, type Transition, transitions } from './transitions.ts';

/** Time between validations of what is open, in ms. */
const REVALIDATION = 5 * 60_000;

/**
 * Keeps replicas of conversations equal to their upstream by their sequence numbers. What follows an event is said in
 * {@link transitions}; only what somebody watches is validated and repaired.
 */
export class ChatSync {
  readonly #ports: ChatSyncPorts;
  readonly #store: ReplicaStore;
  readonly #chats = new Map<string, Chat>();
  readonly #list: ConversationList;
  #cancelRevalidation: (() => void) | undefined;

  constructor(ports: ChatSyncPorts) {
    this.#ports = ports;
    this.#store = ports.store;
    this.#list = new ConversationList(ports, {
      asking: () => {
        for (const chat of this.#chats.values()) chat.heard = 0;
      },
      answered: (conversations) => {
        for (const { id, lastSeq } of conversations) this.#learn(this.#chat(id), lastSeq);
      },
    });
  }

  /** To be called with every connection to the upstream: nothing that was known of it is relied on any more. */
  connected(): void {
    for (const chat of this.#chats.values()) {
      chat.expected = undefined;
      endHold(chat);
      forgive(chat);
      this.#handle(chat, 'connected');
    }
    void this.#list.connected();
  }

  /** Keeps a conversation complete until the returned function is called. Returns at once. */
  open(conversationId: string): () => void {
    const chat = this.#chat(conversationId);
    const close = this.#watch(chat);
    forgive(chat);
    this.#revalidateLater();
    this.#handle(chat, 'opened');
    return close;
  }

  /**
   * Stores messages that came by themselves, whatever their conversation.
   * @throws what the store failed with
   */
  async received(messages: readonly Message[]): Promise<void> {
    const conversations = Map.groupBy(messages, ({ conversationId }) => conversationId);
    await Promise.all([...conversations].map(([id, rows]) => this.#receive(this.#chat(id), rows)));
  }

  /** Validates anew, because these numbers are wanted that were not before, or stand for other messages than those held. */
  want(conversationId: string, numbers: readonly SeqRange[]): void {
    const chat = this.#chat(conversationId);
    chat.excused = subtractRanges(chat.excused, numbers);
    this.#handle(chat, 'messageReceived');
  }

  /** What is still to be fetched of a conversation, ascending; what was asked for in vain is not. */
  missing(conversationId: string): readonly SeqRange[] {
    return missing(this.#chat(conversationId), this.#store);
  }

  /** Takes in the newest number given in a conversation; one lower than what is known is only late. */
  newest(conversationId: string, seq: number): void {
    const chat = this.#chat(conversationId);
    chat.heard = Math.max(chat.heard, seq);
    this.#learn(chat, chat.expected ?? seq);
  }

  /**
   * Asks for the newest number, validates, and fetches what is missing, whatever the state. Takes over from a repair, and
   * joins another resync.
   * @throws what the upstream or the store failed with
   */
  async resync(conversationId: string): Promise<ResyncResult> {
    const chat = this.#chat(conversationId);
    const close = this.#watch(chat);
    let fetchedRanges: SeqRange[] = [];
    let reloadReason: string | null = null;
    try {
      if (!chat.run?.isResync) stop(chat);
      this.#start(chat, newRun(true));
      for (let run = chat.run; run; run = chat.run) {
        await run.ended;
        fetchedRanges = mergeRanges(fetchedRanges, run.fetched);
        reloadReason ??= run.reloadReason;
      }
      const { id, state, reason } = chat;
      const holes = subtractRanges(this.#store.holes(id), this.#store.ranges(id));
      return { state, reason, fetchedRanges, fetched: countSeqs(fetchedRanges), holes, reloadReason };
    } finally {
      close();
    }
  }

  /** Ends what is under way for a conversation; what it did not bring is left alone until the next validation. */
  cancel(conversationId: string): void {
    const chat = this.#chat(conversationId);
    if (!chat.run) return;
    chat.excused = mergeRanges(chat.excused, missing(chat, this.#store));
    stop(chat);
    this.#handle(chat, 'repairEnded');
  }

  /** How a conversation stands. */
  status(conversationId: string): SyncStatus {
    return statusOf(this.#chat(conversationId));
  }

  /** Ends everything under way. */
  dispose(): void {
    this.#list.dispose();
    this.#cancelRevalidation?.();
    for (const chat of this.#chats.values()) {
      chat.watchers = 0;
      stop(chat);
    }
  }

  #chat(id: string): Chat {
    const chat = this.#chats.get(id) ?? newChat(id);
    this.#chats.set(id, chat);
    return chat;
  }

  #watch(chat: Chat): () => void {
    let isWatching = true;
    chat.watchers++;
    return () => {
      if (!isWatching) return;
      isWatching = false;
      chat.watchers--;
      if (chat.watchers > 0) return;
      stop(chat);
      this.#announce(chat);
    };
  }

  #handle(chat: Chat, event: SyncEvent): void {
    for (let next: SyncEvent | undefined = event; next; ) {
      const [state, action]: Transition = transitions[chat.state][next];
      chat.state = state;
      next = chat.watchers > 0 ? this.#act(chat, action) : undefined;
    }
    this.#announce(chat);
  }

  #announce(chat: Chat): void {
    this.#store.setState(chat.id, statusOf(chat));
  }

  /** Does what follows an event, and returns what a validation found. */
  #act(chat: Chat, action: SyncAction): Validity | undefined {
    if (action === 'check') return this.#check(chat);
    if (action === 'hold') return this.#hold(chat);
    if (action === 'repair' && missing(chat, this.#store).length > 0) this.#start(chat, newRun(false));
    if (action === 'reload' && !chat.isReloaded) this.#start(chat, newRun(false));
    return undefined;
  }

  #check(chat: Chat): Validity {
    endHold(chat);
    chat.reason = verdict(chat, this.#store);
    return chat.reason;
  }

  /** Validates, but leaves a gap that could be closed the time to close by itself. */
  #hold(chat: Chat): Validity | undefined {
    const canClose = verdict(chat, this.#store) === 'gap_detected' && missing(chat, this.#store).length > 0;
    if (!canClose) return this.#check(chat);
    chat.cancelHold ??= this.#after(this.#ports.hold, () => {
      chat.cancelHold = undefined;
      this.#handle(chat, 'holdElapsed');
    });
    return undefined;
  }

  async #receive(chat: Chat, messages: readonly Message[]): Promise<void> {
    try {
      await this.#keep(chat, messages, []);
    } finally {
      this.#handle(chat, 'messageReceived');
    }
  }

  async #keep(chat: Chat, messages: readonly Message[], holes: readonly SeqRange[]): Promise<void> {
    // Whatever the store does: these numbers exist.
    for (const { seq } of messages) chat.heard = Math.max(chat.heard, seq);
    if (chat.expected !== undefined) chat.expected = Math.max(chat.expected, chat.heard);
    chat.claimedTwice = (await this.#store.store(chat.id, messages, holes)) ?? chat.claimedTwice;
  }

  /** Does nothing while something is under way. */
  #start(chat: Chat, run: Run): void {
    if (chat.run) return;
    chat.run = run;
    run.ended = this.#execute(chat, run);
    // Who asked for a resync is told by it.
    run.ended.catch((error: unknown) => run.isResync || this.#ports.failed(error, chat.id));
  }

  async #execute(chat: Chat, run: Run): Promise<void> {
    let wanted: SeqRange[] = [];
    try {
      if (run.isResync) await this.#validateAnew(chat, run);
      if (verdict(chat, this.#store) === 'sequence_mismatch') await this.#reload(chat, run);
      wanted = missing(chat, this.#store);
      await this.#repair(chat, run, wanted);
    } finally {
      if (chat.run === run) {
        chat.run = undefined;
        chat.excused = mergeRanges(chat.excused, missing(chat, this.#store, wanted));
        this.#handle(chat, 'repairEnded');
      }
    }
  }

  async #validateAnew(chat: Chat, run: Run): Promise<void> {
    this.#announce(chat);
    await this.#list.ask();
    if (run.abort.signal.aborted) return;
    forgive(chat);
    this.#handle(chat, 'resyncRequested');
  }

  /** Drops a replica that contradicts the upstream, so that all of it is missing. */
  async #reload(chat: Chat, run: Run): Promise<void> {
    if (run.abort.signal.aborted) return;
    chat.isReloaded = true;
    // Nothing is dropped because of a newest number that may be out of date.
    await this.#list.ask();
    if (run.abort.signal.aborted) return;
    chat.isReloaded = verdict(chat, this.#store) === 'sequence_mismatch';
    if (!chat.isReloaded) return;
    run.reloadReason = contradiction(chat, this.#store);
    await this.#store.discard(chat.id, run.reloadReason);
    chat.claimedTwice = undefined;
  }

  async #repair(chat: Chat, run: Run, wanted: readonly SeqRange[]): Promise<void> {
    const { upstream, timers } = this.#ports;
    const { signal } = run.abort;
    const turnTo = (activity: Run['activity']) => {
      run.activity = activity;
      run.wanted = countSeqs(run.fetched) + countSeqs(missing(chat, this.#store, wanted));
      this.#announce(chat);
    };
    await repair({
      signal,
      missing: () => missing(chat, this.#store, wanted),
      wait: (delay) => {
        turnTo('waiting');
        return wait(timers, delay, signal);
      },
      fetch: async ({ from, to }) => {
        turnTo('fetching');
        const { messages, holes } = await upstream.range(chat.id, from, to, signal);
        await this.#keep(chat, messages, holes);
        const brought = messages.map(({ seq }) => seq).filter((seq) => from <= seq && seq <= to);
        run.fetched = mergeRanges(run.fetched, toRanges(brought));
      },
    });
  }

  #learn(chat: Chat, newest: number): void {
    const expected = Math.max(newest, chat.heard);
    if (expected === chat.expected) return;
    chat.expected = expected;
    this.#handle(chat, 'newestLearnt');
  }

  #revalidateLater(): void {
    this.#cancelRevalidation ??= this.#after(REVALIDATION, () => {
      this.#cancelRevalidation = undefined;
      return this.#revalidate();
    });
  }

  async #revalidate(): Promise<void> {
    const open = [...this.#chats.values()].filter(({ watchers }) => watchers > 0);
    if (open.length === 0) return;
    this.#revalidateLater();
    await this.#list.ask().catch((error: unknown) => this.#ports.failed(error));
    for (const chat of open) {
      chat.excused = [];
      this.#handle(chat, 'revalidationDue');
    }
  }

  /** A timer has no caller, so what fails in it is reported. */
  #after(delay: number, action: () => void | Promise<void>): () => void {
    return this.#ports.timers.after(delay, async () => {
      try {
        await action();
      } catch (error) {
        this.#ports.failed(error);
      }
    });
  }
}
