import type { Conversation, Message } from '../../protocol/model.ts';
import type { SyncState } from '../../protocol/rpc.ts';
import type { SeqRange, Validity } from '../sequence.ts';
import type { Timers } from './timers.ts';

/** One answer to a request for a range; it may bring less than was asked for. */
export interface RangeAnswer {
  messages: readonly Message[];
  /** Numbers that the upstream will never have, ascending and disjoint. */
  holes: readonly SeqRange[];
}

/** A conversation's id, and the newest number given in it. */
export type ConversationHead = Pick<Conversation, 'id' | 'lastSeq'>;

/** What conversations are replicated from. A request rejects when it fails, is aborted, or the connection is lost. */
export interface Upstream {
  /** Every conversation. */
  list(signal: AbortSignal): Promise<readonly ConversationHead[]>;
  /** The messages from `from` to `to`, inclusive, ascending. */
  range(conversationId: string, from: number, to: number, signal: AbortSignal): Promise<RangeAnswer>;
}

/** Where the replicas are kept. */
export interface ReplicaStore {
  /** The numbers that are held, and those that nobody wants here; ascending and disjoint. */
  ranges(conversationId: string): readonly SeqRange[];
  /** The permanent holes stored so far, ascending and disjoint. */
  holes(conversationId: string): readonly SeqRange[];
  /**
   * Merges messages and permanent holes into what is held, even of a conversation that is not known yet.
   * @returns a number that a held message and another one both claim, if there is any; the held one stays
   */
  store(conversationId: string, messages: readonly Message[], holes: readonly SeqRange[]): Promise<number | undefined>;
  /** Forgets the messages and holes of a conversation, because they contradict the upstream; `why` is for the user. */
  discard(conversationId: string, why: string): Promise<void>;
  /** Called whenever the status may have changed. */
  setState(conversationId: string, status: SyncStatus): void;
}

/** What {@link ChatSync} works with. */
export interface ChatSyncPorts {
  upstream: Upstream;
  store: ReplicaStore;
  timers: Timers;
  /** How long a gap is left alone, in ms: where messages overtake one another, those of a gap are often only late. */
  hold: number;
  /** Called with what failed while nobody waited for it. It is tried again later. */
  failed(error: unknown, conversationId?: string): void;
}

/** How one replica stands. */
export interface SyncStatus {
  state: SyncState;
  /** What the last validation found. */
  reason: Validity;
  /** Newest number of the upstream; undefined until it is told after a connection was made. */
  expected: number | undefined;
  /** It is being found out whether anything is missing. */
  isValidating: boolean;
  /** Messages are on their way. */
  isFetching: boolean;
  /** Messages that the present repair has brought, of those it wants. */
  fetched: number;
  wanted: number;
}

/** What a resync has come to. */
export interface ResyncResult {
  state: SyncState;
  reason: Validity;
  /** The numbers that were fetched, ascending. */
  fetchedRanges: readonly SeqRange[];
  /** How many numbers that is. */
  fetched: number;
  /** Missing numbers that the upstream will never have. */
  holes: readonly SeqRange[];
  /** Why the whole conversation was loaded again; null when only what was missing was fetched. */
  reloadReason: string | null;
}
