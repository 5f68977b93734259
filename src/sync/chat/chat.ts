import type { SyncState } from '../../protocol/rpc.ts';
import { countSeqs, mergeRanges, type SeqRange, subtractRanges, type Validity, validate } from '../sequence.ts';
import type { ReplicaStore, SyncStatus } from './ports.ts';

/** What is known of one conversation beside what the store holds. */
export interface Chat {
  readonly id: string;
  state: SyncState;
  reason: Validity;
  /** How many have it open or wait for its resync. */
  watchers: number;
  /** Newest number of the upstream; undefined until it is told after a connection was made. */
  expected: number | undefined;
  /** Newest number heard of since the list was last asked for: the answer may not know it yet. */
  heard: number;
  /** Numbers asked for in vain, or cancelled: left alone until somebody asks again or the next validation is due. */
  excused: SeqRange[];
  /** A number that two messages claim. */
  claimedTwice: number | undefined;
  /** All of it was loaded again; doing so once more would bring the same. */
  isReloaded: boolean;
  cancelHold: (() => void) | undefined;
  run: Run | undefined;
}

/** One repair, reload or resync under way. */
export interface Run {
  readonly isResync: boolean;
  readonly abort: AbortController;
  activity: 'validating' | 'fetching' | 'waiting';
  fetched: SeqRange[];
  wanted: number;
  reloadReason: string | null;
  ended: Promise<void>;
}

/** A conversation of which nothing is known. */
export function newChat(id: string): Chat {
  return {
    id,
    state: 'UNKNOWN',
    reason: 'backend_seq_unknown',
    watchers: 0,
    expected: undefined,
    heard: 0,
    excused: [],
    claimedTwice: undefined,
    isReloaded: false,
    cancelHold: undefined,
    run: undefined,
  };
}

/** A run that has done nothing yet. */
export function newRun(isResync: boolean): Run {
  return {
    isResync,
    abort: new AbortController(),
    activity: 'validating',
    fetched: [],
    wanted: 0,
    reloadReason: null,
    ended: Promise.resolve(),
  };
}

/** What validation finds at this moment. */
export function verdict({ id, expected, claimedTwice }: Chat, store: ReplicaStore): Validity {
  return claimedTwice === undefined ? validate(store.ranges(id), expected) : 'sequence_mismatch';
}

/** What of `wanted` is worth asking for: neither held, nor a permanent hole, nor asked for in vain. */
export function missing(chat: Chat, store: ReplicaStore, wanted = everything(chat)): SeqRange[] {
  const accounted = mergeRanges(store.holes(chat.id), chat.excused);
  return subtractRanges(wanted, mergeRanges(store.ranges(chat.id), accounted));
}

function everything({ expected = 0 }: Chat): readonly SeqRange[] {
  return [{ from: 1, to: expected }];
}

/** Why a replica with a `sequence_mismatch` cannot be repaired, for the user. */
export function contradiction({ id, expected, claimedTwice }: Chat, store: ReplicaStore): string {
  if (claimedTwice !== undefined) return `Two messages claim number ${claimedTwice}.`;
  return `Message ${store.ranges(id).at(-1)?.to} is newer than the newest of the upstream, ${expected}.`;
}

/** How the conversation stands, for whoever shows it. */
export function statusOf({ state, reason, expected, cancelHold, run }: Chat): SyncStatus {
  return {
    state,
    reason,
    expected,
    isValidating: cancelHold !== undefined || run?.activity === 'validating',
    isFetching: run?.activity === 'fetching',
    fetched: run ? countSeqs(run.fetched) : 0,
    wanted: run ? run.wanted : 0,
  };
}

/** Waits no longer for a gap to close by itself. */
export function endHold(chat: Chat): void {
  chat.cancelHold?.();
  chat.cancelHold = undefined;
}

/** Ends what the conversation waits for or does. */
export function stop(chat: Chat): void {
  endHold(chat);
  chat.run?.abort.abort();
  chat.run = undefined;
}

/** Lets everything be tried again that was given up. */
export function forgive(chat: Chat): void {
  chat.excused = [];
  chat.isReloaded = false;
}
