import type { Message } from '../../protocol/model.ts';
import type { PanelParams, PanelResults, PanelView } from '../../protocol/panel.ts';
import { ChatSync } from '../../sync/chat/chatSync.ts';
import type { ReplicaStore, SyncStatus, Upstream } from '../../sync/chat/ports.ts';
import type { Timers } from '../../sync/chat/timers.ts';
import type { SeqRange } from '../../sync/sequence.ts';
import { Timeline } from './timeline.ts';

const KEPT = 8;

/** The timers of the page. */
export const pageTimers: Timers = {
  after: (delay, action) => {
    const timer = setTimeout(action, delay);
    return () => clearTimeout(timer);
  },
};

/** How the timelines reach the database, and whom they tell. */
export interface TimelinesOptions {
  fetch(range: PanelParams<'range'>, signal: AbortSignal): Promise<PanelResults['range']>;
  /** Called with rows just before they are merged, also with those of conversations that are not held. */
  onRows(conversationId: string, rows: readonly Message[]): void;
  onStatus(conversationId: string, status: SyncStatus): void;
  timers: Timers;
  log(text: string): void;
}

/** The conversations that the panel holds, the one that is shown kept equal to the database. */
export class Timelines {
  readonly #options: TimelinesOptions;
  readonly #sync: ChatSync;
  readonly #timelines = new Map<string, Timeline>();
  /** The conversation that is kept complete; null while there is none, or nobody would answer. */
  #open: PanelView['conversation'] = null;
  #close: () => void = () => undefined;
  #generation: number | undefined;

  constructor(options: TimelinesOptions) {
    this.#options = options;
    this.#sync = new ChatSync({
      upstream: this.#upstream,
      store: this.#store,
      timers: options.timers,
      // Answers and changes come on one channel in their order, so what is missing does not come by itself.
      hold: 0,
      failed: (error) => options.log(`messages could not be fetched: ${String(error)}`),
    });
  }

  /** The timeline of a conversation; the ones used last are kept. */
  of(conversationId: string): Timeline {
    const timeline = this.#timelines.get(conversationId) ?? new Timeline();
    this.#timelines.delete(conversationId);
    this.#timelines.set(conversationId, timeline);
    const [oldest] = this.#timelines.keys();
    if (this.#timelines.size > KEPT && oldest !== undefined) this.#timelines.delete(oldest);
    return timeline;
  }

  /** The timeline of a conversation if it is kept. */
  find(conversationId: string): Timeline | undefined {
    return this.#timelines.get(conversationId);
  }

  /** Follows what the window shows; `anchor` is the message to which the reader of a conversation returns. */
  show({ conversation, connection, generation }: PanelView, anchor: number | undefined): void {
    const open = connection === 'ready' ? conversation : null;
    const isReadAnew = generation !== this.#generation;
    const isOpened = isReadAnew || open?.id !== this.#open?.id;
    this.#open = open;
    this.#generation = generation;
    if (isOpened) this.#close();
    if (isReadAnew) {
      for (const timeline of this.#timelines.values()) timeline.doubtAll();
      this.#sync.connected();
    }
    if (!open) return;
    const { id, lastSeq } = open;
    if (isOpened) this.of(id).open(lastSeq, anchor);
    this.#sync.newest(id, lastSeq);
    if (isOpened) this.#close = this.#sync.open(id);
  }

  /** Takes in rows that came by themselves, and numbers of which there are other rows than those held. */
  receive(
    conversationId: string,
    messages: readonly Message[],
    lastSeq: number,
    outdated: readonly SeqRange[] = [],
  ): void {
    // What is held is in memory, where storing cannot fail.
    void this.#sync.received(messages);
    this.#sync.newest(conversationId, lastSeq);
    this.fetchAnew(conversationId, outdated);
  }

  /** Wants the rows of numbers anew. */
  fetchAnew(conversationId: string, numbers: readonly SeqRange[]): void {
    this.find(conversationId)?.doubt(numbers);
    this.#want(conversationId, numbers);
  }

  /** Wants one more page of older messages, unless some are still to come. */
  loadOlder(conversationId: string): void {
    if (this.#isComplete(conversationId)) this.#want(conversationId, this.of(conversationId).older());
  }

  /** Wants one more page of newer messages, unless some are still to come. */
  loadNewer(conversationId: string): void {
    if (this.#isComplete(conversationId)) this.#want(conversationId, this.of(conversationId).newer());
  }

  /** Wants a message and those around it. */
  goTo(conversationId: string, seq: number): void {
    this.#want(conversationId, this.of(conversationId).around(seq));
  }

  /**
   * Asks for the newest number of a conversation and fetches what is missing; of one that is not open, nothing is.
   * @returns the numbers that were fetched
   * @throws what the host answered
   */
  async resync(conversationId: string): Promise<readonly SeqRange[]> {
    if (conversationId !== this.#open?.id) return [];
    return (await this.#sync.resync(conversationId)).fetchedRanges;
  }

  /** Ends a resync with what it has brought. */
  cancelResync(conversationId: string): void {
    this.#sync.cancel(conversationId);
  }

  #isComplete(conversationId: string): boolean {
    return this.#sync.missing(conversationId).length === 0;
  }

  #want(conversationId: string, numbers: readonly SeqRange[]): void {
    if (numbers.length > 0) this.#sync.want(conversationId, numbers);
  }

  get #upstream(): Upstream {
    return {
      list: async (signal) => {
        if (!this.#open) return [];
        const { id } = this.#open;
        const { lastSeq } = await this.#options.fetch({ conversationId: id, fromSeq: 0, toSeq: 0 }, signal);
        return [{ id, lastSeq }];
      },
      range: async (conversationId, from, to, signal) => {
        this.find(conversationId)?.asking();
        const { messages } = await this.#options.fetch({ conversationId, fromSeq: from, toSeq: to }, signal);
        return { messages, holes: [] };
      },
    };
  }

  get #store(): ReplicaStore {
    return {
      ranges: (id) => this.find(id)?.ranges() ?? [],
      holes: () => [],
      store: async (id, messages) => {
        this.#options.onRows(id, messages);
        return this.find(id)?.take(messages);
      },
      discard: async (id, why) => {
        this.#options.log(`${id} is loaded again: ${why}`);
        this.find(id)?.startOver(this.#sync.status(id).expected ?? 0);
      },
      setState: (id, status) => {
        this.find(id)?.show(status);
        this.#options.onStatus(id, status);
      },
    };
  }
}
