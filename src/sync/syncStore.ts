import type { LeaderRecord } from '../store/leader.ts';
import type { StreamOwner } from '../store/streams.ts';
import type { FeedPage } from './changeFeed.ts';
import type { StreamStore } from './outgoingStreams.ts';
import type { PeerRegistry } from './peers/peerMesh.ts';

/**
 * What one instance's sync logic needs of the shared database. Reads answer at once; every write is one transaction.
 * All may throw or reject with a `DevChatError`.
 */
export interface SyncStore {
  /** Whether nothing may be written for as long as this is open. */
  readonly isReadOnly: boolean;
  /** Whether the path still leads to the open database. */
  isInPlace(): boolean;
  /** A number that differs from an earlier answer when somebody else has committed since. */
  dataVersion(): number;
  /** As the leader, keeps the database's files in order: backs up when it is time, and keeps its log short. */
  maintain(leader: LeaderRecord): Promise<void>;
  /** As the leader, removes for good what has been in the bin for long enough. */
  purge(leader: LeaderRecord): Promise<void>;
  /** The secret by which the instances on this database know each other. */
  peerSecret(): string;
  changes: {
    /** Id of the newest change ever logged. */
    head(): number;
    /** Id of the newest change when this instance last wrote; read from nowhere, because it is asked at every commit. */
    written(): number;
    /** Changes after a cursor in commit order: whole transactions, about `limit` entries. */
    after(cursor: number, limit: number): FeedPage;
    /**
     * As the leader, forgets changes older than a Unix time in ms, up to the change `through`.
     * @returns how many were forgotten
     */
    prune(leader: LeaderRecord, before: number, through: number): Promise<number>;
  };
  peers: PeerRegistry;
  leader: {
    read(): LeaderRecord;
    /** Makes this instance the leader unless somebody else has become it since; returns the new epoch if it has. */
    takeOver(seenEpoch: number): Promise<number | undefined>;
  };
  streams: StreamStore & {
    /** The instances that are writing messages, by the record. */
    owners(): StreamOwner[];
    /** As the leader, ends the streams of an instance that is gone. */
    interrupt(leader: LeaderRecord, owner: string): Promise<void>;
    /** Ends what this instance was writing, as far as it is in the database. */
    abandon(): Promise<void>;
  };
}
