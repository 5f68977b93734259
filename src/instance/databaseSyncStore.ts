import { type DevChatError, errorText, hasReason } from '../protocol/errors.ts';
import type { Log } from '../protocol/log.ts';
import { changeHead, changesAfter, pruneChanges } from '../store/changeLog.ts';
import { type Database, MAX_LOG } from '../store/database.ts';
import { assertLeads, readLeader, takeOverLeadership, writeAsLeader } from '../store/leader.ts';
import { fewShortMessages } from '../store/messages.ts';
import { listPeers, peerSecret, registerPeer, removePeer } from '../store/peers.ts';
import { purgeDue } from '../store/purge.ts';
import { backUpIfDue } from '../store/recovery/backups.ts';
import {
  abandonStreams,
  beginStream,
  checkpointStream,
  endStream,
  interruptStreams,
  streamOwners,
} from '../store/streams.ts';
import type { SyncStore } from '../sync/syncStore.ts';

/**
 * The shared database as the sync logic of one instance sees it.
 * @param fault called when the database was found to be damaged
 */
export function databaseSyncStore(
  db: Database,
  instanceId: string,
  log: Log,
  fault: (error: DevChatError) => void = () => undefined,
): SyncStore {
  return {
    isReadOnly: db.readOnlyReason !== null,
    isInPlace: () => db.isInPlace() && db.isItself(),
    dataVersion: () => db.dataVersion(),
    maintain: async (leader) => {
      assertLeads(db, leader);
      const length = db.checkpoint();
      if (length > MAX_LOG) log('warn', `the write-ahead log has ${length} bytes: some program reads without end`);
      // The other chores need no backup.
      await backUpIfDue(db, Date.now()).catch((error: unknown) => {
        log('warn', `no backup could be taken: ${errorText(error)}`);
        if (hasReason(error, 'corrupt')) fault(error);
      });
    },
    purge: (leader) => purgeDue(db, instanceId, (body) => writeAsLeader(db, leader, body), Date.now()),
    peerSecret: () => peerSecret(db),
    changes: {
      head: () => db.read(() => changeHead(db)),
      written: () => db.newestChange,
      after: (cursor, limit) =>
        db.read(() => {
          const page = changesAfter(db, cursor, limit);
          const messageIds = page.changes.map(({ messageId }) => messageId);
          return { ...page, messages: fewShortMessages(db, messageIds) };
        }),
      prune: (leader, before, through) => writeAsLeader(db, leader, () => pruneChanges(db, before, through)),
    },
    peers: {
      list: () => listPeers(db),
      register: (self) => registerPeer(db, self),
      remove: (peer) => removePeer(db, peer),
    },
    leader: {
      read: () => db.read(() => readLeader(db)),
      takeOver: (seenEpoch) => takeOverLeadership(db, instanceId, seenEpoch),
    },
    streams: {
      begin: (params) => beginStream(db, instanceId, params),
      checkpoint: (messageId, content) => checkpointStream(db, instanceId, messageId, content),
      end: (end) => endStream(db, instanceId, end),
      owners: () => streamOwners(db),
      interrupt: (leader, owner) => interruptStreams(db, leader, owner),
      abandon: () => abandonStreams(db, instanceId),
    },
  };
}
