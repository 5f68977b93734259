import type { SyncState } from '../../protocol/rpc.ts';
import type { Validity } from '../sequence.ts';

/** What can happen to a conversation; what a validation finds is an event as well. */
export type SyncEvent =
  | 'opened'
  | 'messageReceived'
  | 'newestLearnt'
  | 'holdElapsed'
  | 'revalidationDue'
  | 'connected'
  | 'resyncRequested'
  | 'repairEnded'
  | Validity;

/**
 * What follows, while the conversation is open or a resync waits: `check` validates; `hold` does so too, but lets a gap
 * count only if it is there a moment later.
 */
export type SyncAction = 'nothing' | 'check' | 'hold' | 'repair' | 'reload';

/** The next state, and what follows. */
export type Transition = readonly [SyncState, SyncAction];

/** What each event does in each state. News makes doubtful what was known to be complete, not what was known to differ. */
export const transitions: Readonly<Record<SyncState, Readonly<Record<SyncEvent, Transition>>>> = {
  UNKNOWN: {
    opened: ['UNKNOWN', 'check'],
    messageReceived: ['UNKNOWN', 'hold'],
    newestLearnt: ['UNKNOWN', 'hold'],
    holdElapsed: ['UNKNOWN', 'check'],
    revalidationDue: ['UNKNOWN', 'hold'],
    connected: ['UNKNOWN', 'nothing'],
    resyncRequested: ['UNKNOWN', 'check'],
    repairEnded: ['UNKNOWN', 'hold'],
    validated: ['SYNCED', 'nothing'],
    no_messages: ['SYNCED', 'nothing'],
    backend_seq_unknown: ['UNKNOWN', 'nothing'],
    gap_detected: ['OUT_OF_SYNC', 'repair'],
    sequence_mismatch: ['OUT_OF_SYNC', 'reload'],
  },
  SYNCED: {
    opened: ['UNKNOWN', 'check'],
    messageReceived: ['UNKNOWN', 'hold'],
    newestLearnt: ['UNKNOWN', 'hold'],
    holdElapsed: ['SYNCED', 'check'],
    revalidationDue: ['SYNCED', 'hold'],
    connected: ['UNKNOWN', 'nothing'],
    resyncRequested: ['SYNCED', 'check'],
    repairEnded: ['SYNCED', 'hold'],
    validated: ['SYNCED', 'nothing'],
    no_messages: ['SYNCED', 'nothing'],
    backend_seq_unknown: ['UNKNOWN', 'nothing'],
    gap_detected: ['OUT_OF_SYNC', 'repair'],
    sequence_mismatch: ['OUT_OF_SYNC', 'reload'],
  },
  OUT_OF_SYNC: {
    opened: ['UNKNOWN', 'check'],
    messageReceived: ['OUT_OF_SYNC', 'hold'],
    newestLearnt: ['OUT_OF_SYNC', 'hold'],
    holdElapsed: ['OUT_OF_SYNC', 'check'],
    revalidationDue: ['OUT_OF_SYNC', 'hold'],
    connected: ['UNKNOWN', 'nothing'],
    resyncRequested: ['OUT_OF_SYNC', 'check'],
    repairEnded: ['OUT_OF_SYNC', 'hold'],
    validated: ['SYNCED', 'nothing'],
    no_messages: ['SYNCED', 'nothing'],
    backend_seq_unknown: ['UNKNOWN', 'nothing'],
    gap_detected: ['OUT_OF_SYNC', 'repair'],
    sequence_mismatch: ['OUT_OF_SYNC', 'reload'],
  },
};
