import type { Message } from '../../src/protocol/model.ts';
import type { ConversationHead, RangeAnswer, Upstream } from '../../src/sync/chat/ports.ts';
import type { Timers } from '../../src/sync/chat/timers.ts';
import { toRanges } from '../../src/sync/sequence.ts';

/** A request for a range, as it was made. */
export interface RangeRequest {
  conversationId: string;
  from: number;
  to: number;
}

/** What goes wrong at an upstream; nothing unless it is named. */
export interface Faults {
  /** Time until an answer, in ms. */
  latency?: number;
  /** Most messages in an answer. */
  pageLimit?: number;
  /** Every message comes twice. */
  isDuplicating?: boolean;
  /** The newest message comes first. */
  isReordering?: boolean;
  /** So many of the next requests fail. */
  failures?: number;
  /** Numbers that are declared permanently missing. */
  holes?: readonly number[];
  /** Numbers that are never answered, without a word. */
  lost?: readonly number[];
  /** It answers although the request was aborted. */
  isDeaf?: boolean;
}

/** An upstream in the test's own process that can do everything wrong, and counts what it is asked for. */
export class FaultyUpstream implements Upstream {
  readonly conversations = new Map<string, readonly Message[]>();
  readonly requests: RangeRequest[] = [];
  lists = 0;
  /** Numbers that were asked for, each as often as it was. */
  numbers = 0;
  /** Size of all messages that were answered, as JSON in UTF-8. */
  bytes = 0;
  /** Requests for ranges at the same time, now and at most. */
  inFlight = 0;
  mostInFlight = 0;
  faults: Faults;
  /** Called with every request for a range, before anything else. */
  asked: (request: RangeRequest) => void = () => undefined;
  readonly #timers: Timers;

  constructor(timers: Timers, faults: Faults = {}) {
    this.#timers = timers;
    this.faults = faults;
  }

  async list(signal: AbortSignal): Promise<ConversationHead[]> {
    this.lists++;
    await this.#travel(signal);
    return [...this.conversations].map(([id, messages]) => ({ id, lastSeq: messages.at(-1)?.seq ?? 0 }));
  }

  async range(conversationId: string, from: number, to: number, signal: AbortSignal): Promise<RangeAnswer> {
    this.requests.push({ conversationId, from, to });
    this.numbers += to - from + 1;
    this.asked({ conversationId, from, to });
    this.inFlight++;
    this.mostInFlight = Math.max(this.mostInFlight, this.inFlight);
    try {
      await this.#travel(signal);
      return this.#answer(conversationId, from, to);
    } finally {
      this.inFlight--;
    }
  }

  #answer(conversationId: string, from: number, to: number): RangeAnswer {
    const { holes = [], lost = [], pageLimit, isDuplicating, isReordering } = this.faults;
    const absent = new Set([...holes, ...lost]);
    const stored = this.conversations.get(conversationId) ?? [];
    const found = stored.filter(({ seq }) => from <= seq && seq <= to && !absent.has(seq)).slice(0, pageLimit);
    const messages = isDuplicating ? found.flatMap((message) => [message, message]) : found;
    if (isReordering) messages.reverse();
    this.bytes += messages.reduce((size, message) => size + Buffer.byteLength(JSON.stringify(message)), 0);
    return { messages, holes: toRanges(holes.filter((seq) => from <= seq && seq <= to)) };
  }

  /** Takes the time of an answer, and fails if it is one of those to fail. */
  #travel(signal: AbortSignal): Promise<void> {
    const { latency = 0, failures = 0, isDeaf } = this.faults;
    this.faults = { ...this.faults, failures: Math.max(0, failures - 1) };
    return new Promise((resolve, reject) => {
      const arrive = () => (failures > 0 ? reject(new Error('the upstream failed')) : resolve());
      const cancel = this.#timers.after(latency, arrive);
      signal.addEventListener('abort', () => {
        if (isDeaf) return;
        cancel();
        reject(signal.reason);
      });
    });
  }
}
