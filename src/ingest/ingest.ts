import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename } from 'node:path';
import { DevChatError, errorText } from '../protocol/errors.ts';
import type { Degradation, IngestHealth, IngestReport, IngestSettings } from '../protocol/ingest.ts';
import type { Log } from '../protocol/log.ts';
import type { Database } from '../store/database.ts';
import {
  hasSiblings,
  type IngestFile,
  ingestReport,
  ingestTotals,
  listIngestFiles,
  moveIngestFile,
  prepareForBulk,
} from '../store/ingestFiles.ts';
import { type LeaderRecord, writeAsLeader } from '../store/leader.ts';
import { type Clock, systemClock } from '../sync/clock.ts';
import { Backlog, type WaitingFile } from './backlog.ts';
import { commitBatch } from './commit.ts';
import { Activity } from './health.ts';
import { Lookout } from './lookout.ts';
import { foldersHash } from './placement.ts';
import { redactStored } from './redactStored.ts';
import { canonical, type FoundFile, findTranscripts, type Root, rootsOf, worktreesOf } from './roots.ts';
import { findImports } from './sources.ts';
import { type Batch, isEmpty, type Memory, type ReadRequest } from './transcript.ts';
import { WorkerThread } from './workerThread.ts';

/** Batches of one file before another one gets its turn. */
const TURN = 16;

/** Records per transaction: many when nobody else writes, few when other windows may wait for their turn. */
const BATCH = 250;
const BATCH_AMONG_SIBLINGS = 80;

/** Pause after a transaction among siblings, in ms; about as long as the transaction. */
const PAUSE = 8;

/** How long to wait after nothing could be saved, in ms. */
const RETRY = 5000;

/** What ingestion needs, and whom it tells. */
export interface IngestOptions {
  db: Database;
  leader: LeaderRecord;
  /** The workspace's folders; of others' sessions nothing is taken. */
  folders: readonly string[];
  settings: IngestSettings;
  log: Log;
  /** Called after every commit, so that the windows hear of it. */
  onCommitted(): void;
  /** Called when the health is another one than before: working or not, degraded or not. */
  onHealthChanged?(): void;
  clock?: Clock;
  home?: string;
  env?: NodeJS.ProcessEnv;
  /** False goes without events, as where there are none. */
  watch?: boolean;
}

/** Running ingestion; only the leader of a database has one. */
export interface Ingest {
  health(): IngestHealth;
  report(): IngestReport;
  /** Looks at every file again now. @returns when all of them were read */
  rescan(): Promise<void>;
  /** Gives up on what waits to be read, but for files that change; {@link Ingest.rescan} takes it up again. */
  cancel(): void;
  /** Reads files and directories wherever they are, whatever workspace they belong to. @returns the files */
  import(paths: readonly string[]): Promise<string[]>;
  /** Resolves when nothing waits to be read. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

/** Takes the agents' transcripts into the history, those there are and those that are being written. */
export async function startIngest(options: IngestOptions): Promise<Ingest> {
  const { folders, settings } = options;
  const named = folders.map(canonical);
  const all = settings.worktrees ? [...new Set([...named, ...(await worktreesOf(named))])] : named;
  return new Ingestion(options, all);
}

class Ingestion implements Ingest {
  readonly #options: IngestOptions;
  readonly #clock: Clock;
  readonly #folders: readonly string[];
  readonly #roots: readonly Root[];
  readonly #activity: Activity;
  readonly #lookout: Lookout;
  readonly #backlog = new Backlog();
  readonly #thread = new WorkerThread();
  readonly #known: Map<string, IngestFile>;
  /** What a file was like when it was last read to its end. */
  readonly #read = new Map<string, string>();
  readonly #startedAt: number;
  #working: Promise<void> | undefined;
  #bytesDone = 0;
  #isCancelled = false;
  #isClosed = false;

  constructor(options: IngestOptions, folders: readonly string[]) {
    const { db, settings, clock = systemClock, watch = true } = options;
    this.#options = options;
    this.#clock = clock;
    this.#folders = folders;
    this.#roots = rootsOf(settings, options.home ?? homedir(), options.env ?? process.env);
    this.#startedAt = clock.wallTime();
    this.#activity = new Activity(() => clock.wallTime());
    this.#known = new Map(listIngestFiles(db).map((file) => [file.path, file]));
    this.#lookout = new Lookout({
      roots: this.#roots,
      folders,
      clock,
      activity: this.#activity,
      polls: settings.polling,
      watches: watch,
      found: (file, isHot) => this.#hint(file, isHot),
      degraded: (mode, text) => this.#degrade(mode, text),
    });
    if (settings.redact) void this.#redactStored();
  }

  health(): IngestHealth {
    const { isActive, ...activity } = this.#activity.summary();
    const { total, unknown } = ingestTotals(this.#options.db);
    let left = 0;
    for (const { path, size } of this.#backlog) left += Math.max(0, size - (this.#known.get(path)?.position ?? 0));
    const working = this.#backlog.size > 0 ? 'bulk' : isActive ? 'active' : 'idle';
    return {
      ...activity,
      state: this.#isClosed ? 'stopped' : working,
      filesWatched: this.#lookout.filesWatched,
      filesKnown: this.#known.size,
      filesWaiting: this.#backlog.size,
      progress: { done: this.#bytesDone, total: this.#bytesDone + left },
      quarantined: total.quarantined,
      unknown,
      redacted: total.redacted,
    };
  }

  report(): IngestReport {
    return ingestReport(this.#options.db);
  }

  async rescan(): Promise<void> {
    this.#isCancelled = false;
    for (const root of this.#roots) {
      for (const file of await findTranscripts(root, this.#folders)) this.#wait({ ...file, takeAll: false });
    }
    await this.settled();
  }

  cancel(): void {
    this.#isCancelled = true;
    this.#backlog.clear();
  }

  async import(paths: readonly string[]): Promise<string[]> {
    const files = await findImports(paths);
    for (const file of files) this.#wait({ ...file, takeAll: true });
    await this.settled();
    return files.map(({ path }) => path);
  }

  async settled(): Promise<void> {
    await this.#lookout.settled();
    while (this.#working) await this.#working;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#backlog.clear();
    await this.#lookout.close();
    await this.#thread.close();
    await this.#working;
  }

  /** Has a file read if it is another one than when it was last read. */
  #hint(file: FoundFile, isHot: boolean): void {
    if (this.#isCancelled && !isHot) return;
    if (!this.#isUnchanged(file)) this.#wait({ ...file, takeAll: false });
  }

  #isUnchanged(file: FoundFile): boolean {
    if (this.#read.get(file.path) === stamp(file)) return true;
    const known = this.#known.get(file.path);
    if (!known || stamp(known) !== stamp(file)) return false;
    const { place, folders } = JSON.parse(known.state) as Memory;
    if (place !== 'ours' && folders !== foldersHash(this.#folders)) return false;
    this.#read.set(file.path, stamp(file));
    return true;
  }

  #wait(file: WaitingFile): void {
    if (this.#isClosed) return;
    this.#backlog.add(file);
    this.#working ??= this.#work().finally(() => {
      this.#working = undefined;
      this.#bytesDone = 0;
      this.#options.onHealthChanged?.();
    });
  }

  async #work(): Promise<void> {
    const { db, onHealthChanged } = this.#options;
    // A hint comes in the middle of something else.
    await new Promise<void>((resolve) => this.#clock.nextTurn(resolve));
    onHealthChanged?.();
    prepareForBulk(db, true);
    for (let file = this.#backlog.takeNewest(); file && !this.#isClosed; file = this.#backlog.takeNewest()) {
      try {
        if (await this.#ingest(file)) this.#read.set(file.path, stamp(file));
        else this.#backlog.putBack(file);
      } catch (error) {
        this.#failed(file, error);
      }
    }
    prepareForBulk(db, false);
  }

  /** @returns false when there is more to read after a turn */
  async #ingest(file: WaitingFile): Promise<boolean> {
    const { path, source, takeAll } = file;
    const known = this.#known.get(path) ?? (await this.#moved(file));
    const { redact } = this.#options.settings;
    const batchSize = hasSiblings(this.#options.db) ? BATCH_AMONG_SIBLINGS : BATCH;
    const request: ReadRequest = { path, source, known, folders: this.#folders, takeAll, redact, batchSize };
    let asked = this.#clock.now();
    let batches = 0;
    for await (const batch of this.#thread.read(request)) {
      if (!isEmpty(batch, this.#known.get(path)?.position)) await this.#commit(file, batch, asked);
      if (this.#isClosed || ++batches === TURN) return batch.next.modifiedAt !== 0;
      if (batch.next.modifiedAt === 0) await this.#pause(batchSize);
      asked = this.#clock.now();
    }
    return true;
  }

  async #commit({ path, source }: WaitingFile, batch: Batch, asked: number): Promise<void> {
    const { db, leader, onCommitted, onHealthChanged } = this.#options;
    await commitBatch(db, leader, { path, source }, batch);
    this.#known.set(path, { path, source, ...batch.next });
    this.#bytesDone += Math.max(0, batch.next.position - batch.from);
    const { modifiedAt } = batch.next;
    const lag = modifiedAt >= this.#startedAt ? this.#clock.wallTime() - modifiedAt : undefined;
    this.#activity.committed(source, this.#clock.now() - asked, lag);
    onCommitted();
    if (this.#activity.recover('cannot-save')) onHealthChanged?.();
  }

  /** Lets others write: who waits for a lock looks for it now and then, so half the time has to be theirs. */
  #pause(batchSize: number): Promise<void> {
    return new Promise((resolve) => {
      if (batchSize === BATCH) this.#clock.nextTurn(resolve);
      else this.#clock.after(PAUSE, resolve);
    });
  }

  /** What is known of a file under the path that it had before it was moved. */
  async #moved({ path, device, inode }: WaitingFile): Promise<IngestFile | undefined> {
    const before = [...this.#known.values()].find((one) => one.device === device && one.inode === inode);
    if (!before || existsSync(before.path)) return undefined;
    const { db, leader } = this.#options;
    await writeAsLeader(db, leader, () => moveIngestFile(db, before.path, path));
    this.#known.delete(before.path);
    const moved = { ...before, path };
    this.#known.set(path, moved);
    return moved;
  }

  #failed(file: WaitingFile, error: unknown): void {
    const { code } = error as NodeJS.ErrnoException;
    // It was there a moment ago; what was read of it stays.
    if (this.#isClosed || code === 'ENOENT') return;
    const name = basename(file.path);
    if (!(error instanceof DevChatError)) {
      // It is tried again when it has changed.
      this.#read.set(file.path, stamp(file));
      this.#degrade('cannot-read', `The transcript ${name} cannot be read (${errorText(error)}).`);
    } else if (error.reason === 'not-leader') {
      this.#options.log('info', error.message);
      void this.close();
    } else {
      this.#degrade('cannot-save', `What is in the transcripts cannot be saved at present: ${error.message}`);
      this.#clock.after(RETRY, () => this.#wait(file));
    }
  }

  #degrade(mode: Degradation['mode'], text: string): void {
    this.#activity.degrade(mode, text);
    this.#options.log('warn', text);
    this.#options.onHealthChanged?.();
  }

  async #redactStored(): Promise<void> {
    const { db, leader, log, onCommitted } = this.#options;
    try {
      const count = await redactStored(db, leader, { onCommitted, isStopped: () => this.#isClosed });
      if (count > 0) log('info', `${count} secrets were replaced in what was stored under older rules`);
    } catch (error) {
      log('warn', `looking for secrets in what is stored failed: ${errorText(error)}`);
    }
  }
}

/** What changes when a file does. */
function stamp({ inode, size, modifiedAt }: Pick<FoundFile, 'inode' | 'size' | 'modifiedAt'>): string {
  return `${inode}:${size}:${modifiedAt}`;
}
