import { DevChatError } from '../../src/protocol/errors.ts';
import type { LeaderRecord } from '../../src/store/leader.ts';
import type { SyncStore } from '../../src/sync/syncStore.ts';
import type { ModelDatabase } from './database.ts';
import type { Process } from './process.ts';

/** The place where the database lies, and how the disk below it behaves. */
export interface Disk {
  /** What is there now. */
  database: ModelDatabase;
  /** Of 100 reads or writes, so many fail. */
  failures: { reads: number; writes: number };
}

/** Who looks on while one instance uses the database. */
export interface Witness {
  /** A transaction is asked for. */
  writes(): void;
  /** The log of a database is about to be pruned through a change. */
  prunes(database: ModelDatabase, through: number): void;
  /** A write of the leader is accepted; `leader` is who leads by the record. */
  leads(asLeader: LeaderRecord, leader: LeaderRecord): void;
}

/** What failing disks and rival writers are told as. */
const faults = ['busy', 'disk-full', 'unexpected'] as const;

/** One process's connection to the database that lay on the disk when it was opened. */
export class ModelStore {
  readonly database: ModelDatabase;
  readonly #disk: Disk;
  readonly #process: Process;
  readonly #instanceId: string;
  #ownCommits = 0;
  #written = 0;
  readonly #witness: Witness;
  #lastWrite: Promise<unknown> = Promise.resolve();

  constructor(disk: Disk, process: Process, instanceId: string, witness: Witness) {
    this.database = disk.database;
    this.#disk = disk;
    this.#process = process;
    this.#instanceId = instanceId;
    this.#witness = witness;
  }

  get isInPlace(): boolean {
    return this.#disk.database === this.database;
  }

  /** @throws {DevChatError} when the disk fails; a process that has ended reads nothing */
  read<T>(body: () => T): T {
    if (!this.#process.step()) throw new DevChatError('unexpected', 'the process has ended');
    if (this.#process.machine.chance(this.#disk.failures.reads)) throw this.#fault();
    return body();
  }

  /** Runs a transaction after those that were asked for before; a process that has ended is told of none. */
  write<T>(body: () => T): Promise<T> {
    this.#witness.writes();
    const result = this.#lastWrite.then(() => this.#writeNow(body));
    this.#lastWrite = result.catch(() => undefined);
    return result;
  }

  async #writeNow<T>(body: () => T): Promise<T> {
    const { machine } = this.#process;
    await this.#process.wait(machine.disk());
    const never = new Promise<T>(() => undefined);
    if (!this.#process.step()) return never;
    if (machine.chance(this.#disk.failures.writes)) throw this.#fault();
    const before = this.database.commits;
    const result = body();
    this.#ownCommits += this.database.commits - before;
    this.#written = this.database.head;
    // The process may end between the commit and the answer.
    if (!this.#process.step()) return never;
    if (!this.isInPlace) throw new DevChatError('database-replaced', 'the database was replaced');
    return result;
  }

  /** The view that the sync logic has. */
  toSyncStore(): SyncStore {
    const { database } = this;
    const self = this.#instanceId;
    return {
      isReadOnly: false,
      isInPlace: () => this.read(() => this.isInPlace),
      dataVersion: () => this.read(() => database.commits - this.#ownCommits),
      maintain: () => this.#process.wait(this.#process.machine.disk()),
      // Nothing stays in the bin for long enough.
      purge: async () => undefined,
      peerSecret: () => this.read(() => database.secret),
      changes: {
        head: () => this.read(() => database.head),
        written: () => this.#written,
        after: (cursor, limit) => this.read(() => database.changesAfter(cursor, limit)),
        prune: (leader, before, through) => {
          this.#witness.prunes(database, through);
          return this.#writeAsLeader(leader, () => database.prune(before, through));
        },
      },
      peers: {
        list: () => this.read(() => [...database.peers.values()]),
        register: (peer) => this.write(() => database.register(peer)),
        remove: (instanceId) => this.write(() => database.remove(instanceId)),
      },
      leader: {
        read: () => this.read(() => database.leader),
        takeOver: (seenEpoch) => this.write(() => database.takeOver(self, seenEpoch)),
      },
      streams: {
        begin: ({ conversationId, id = '' }) => this.write(() => database.beginStream(self, conversationId, id)),
        checkpoint: (id, content) => this.write(() => database.checkpointStream(self, id, content)),
        end: ({ messageId, content, status }) => this.write(() => database.endStream(self, messageId, content, status)),
        owners: () => this.read(() => database.streamOwners),
        interrupt: (leader, owner) => this.#writeAsLeader(leader, () => database.interruptStreams(self, owner)),
        abandon: () => this.write(() => database.interruptStreams(self, self)),
      },
    };
  }

  #writeAsLeader<T>(asLeader: LeaderRecord, body: () => T): Promise<T> {
    return this.write(() => {
      const { leader } = this.database;
      if (leader.epoch !== asLeader.epoch || leader.instanceId !== asLeader.instanceId) {
        throw new DevChatError('not-leader', `${leader.instanceId} leads now`);
      }
      this.#witness.leads(asLeader, leader);
      return body();
    });
  }

  #fault(): DevChatError {
    return new DevChatError(this.#process.machine.random.pick(faults), 'the disk fails');
  }
}
