import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename } from 'node:path';
import { DevChatError, errorText } from '../protocol/errors.ts';
import type { Degradation, ImportResult, IngestHealth, IngestSettings } from '../protocol/ingest.ts';
import type { Log } from '../protocol/log.ts';
import { Checkpoints } from '../store/checkpoints.ts';
import type { Database } from '../store/database.ts';
import {
  hasSiblings,
  type IngestFile,
  ingestCounts,
  ingestTotals,
  listIngestFiles,
  moveIngestFile,
  prepareForBulk,
} from '../store/ingestFiles.ts';
import { type LeaderRecord, writeAsLeader } from '../store/leader.ts';
import { type Cancel, type Clock, systemClock, turn } from '../sync/clock.ts';
import { Backlog, type WaitingFile } from './backlog.ts';
import { commitBatch } from './commit.ts';
import { Activity } from './health.ts';
import { Lookout } from './lookout.ts';
import { Pace } from './pace.ts';
import { foldersHash } from './placement.ts';
import { isMoved } from './reader.ts';
import { canonical, type FoundFile, findTranscripts, type Root, rootsOf, topOf, worktreesOf } from './roots.ts';
import { findImports } from './sources.ts';
import { type Batch, isEmpty, type Memory, type ReadRequest } from './transcript.ts';
import { startUpkeep } from './upkeep.ts';
import { ThreadEnded, WorkerThread } from './workerThread.ts';

/** Weight of what is read of one file before another one gets its turn: some tenths of a second. */
const TURN = 5000;

/** For how long after a write of this process others are expected to follow, in ms. */
const ALERT = 1000;

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
  /**
   * Looks at every file again now, and answers when all of them were read.
   * @throws {DevChatError} `not-leader` when it was closed before
   */
  rescan(): Promise<ImportResult>;
  /**
   * Gives up on what waits to be read, and after its present batch on what is being read, but for files that change;
   * {@link Ingest.rescan} takes it up again where it ended.
   */
  cancel(): void;
  /**
   * Reads files and directories wherever they are, whatever workspace they belong to.
   * @throws {DevChatError} `not-found`, `bad-request`; `not-leader` when it was closed before the end
   */
  import(paths: readonly string[]): Promise<ImportResult>;
  /** Resolves when nothing waits to be read. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

/** Takes the agents' transcripts into the history, those there are and those that are being written. */
export async function startIngest(options: IngestOptions): Promise<Ingest> {
  const { folders, settings } = options;
  // An agent may have named its directory after a link.
  const named = [...new Set([...folders.map(canonical), ...folders])];
  const all = settings.worktrees ? [...new Set([...named, ...(await worktreesOf(named))])] : named;
  return new Ingestion(options, all);
}

/** A file whose batches are being prepared. */
interface Reading {
  file: WaitingFile;
  batches: AsyncGenerator<Batch>;
  /** How often everything had been cancelled when it was begun. */
  cancels: number;
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
  readonly #checkpoints: Checkpoints;
  readonly #pace: Pace;
  readonly #known = new Map<string, IngestFile>();
  /** The paths of the known files by their inodes. */
  readonly #paths = new Map<string, string>();
  /** What a file was like when it was last read to its end. */
  readonly #read = new Map<string, string>();
  /** Files that could not be saved, and are tried again a little later. */
  readonly #retries = new Map<string, { cancel: Cancel; error: DevChatError }>();
  /** Files that could not be read when they were last tried. */
  readonly #unreadable = new Set<string>();
  /** Files with which the reading thread has died, and that were not read to their end since. */
  readonly #suspects = new Set<string>();
  readonly #startedAt: number;
  readonly #stopUpkeep: Cancel;
  #working: Promise<void> | undefined;
  #bytesDone = 0;
  #isCancelled = false;
  #cancels = 0;
  #isClosed = false;

  constructor(options: IngestOptions, folders: readonly string[]) {
    const { db, settings, clock = systemClock, watch = true } = options;
    this.#options = options;
    this.#clock = clock;
    this.#checkpoints = new Checkpoints(db, options.log);
    this.#pace = new Pace(clock);
    this.#folders = folders;
    this.#roots = rootsOf(settings, options.home ?? homedir(), options.env ?? process.env);
    this.#startedAt = clock.wallTime();
    this.#activity = new Activity(() => clock.wallTime());
    for (const file of listIngestFiles(db)) this.#remember(file);
    this.#lookout = new Lookout({
      roots: this.#roots,
      folders,
      clock,
      activity: this.#activity,
      polls: settings.polling,
      watches: watch,
      found: (file, isHot) => this.#hint(file, isHot),
      degraded: (mode, text) => this.#degrade(mode, text),
      recovered: (mode) => this.#recover(mode),
    });
    this.#stopUpkeep = startUpkeep(options, clock);
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

  async rescan(): Promise<ImportResult> {
    this.#isCancelled = false;
    const found = await Promise.all(this.#roots.map((root) => findTranscripts(topOf(root), this.#folders)));
    return this.#readAll(found.flat(), false);
  }

  cancel(): void {
    this.#isCancelled = true;
    this.#cancels++;
    this.#giveUp();
  }

  async import(paths: readonly string[]): Promise<ImportResult> {
    return this.#readAll(await findImports(paths), true);
  }

  async #readAll(files: readonly FoundFile[], takeAll: boolean): Promise<ImportResult> {
    for (const file of files) this.#wait({ ...file, takeAll });
    await this.settled();
    if (this.#isClosed) throw new DevChatError('not-leader', 'The transcripts are read by another window from now on.');
    for (const { path } of files) {
      const retry = this.#retries.get(path);
      if (retry) throw retry.error;
    }
    return ingestCounts(
      this.#options.db,
      files.map(({ path }) => path),
    );
  }

  async settled(): Promise<void> {
    await this.#lookout.settled();
    while (this.#working) await this.#working;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#stopUpkeep();
    this.#giveUp();
    await this.#lookout.close();
    await this.#thread.close();
    try {
      await this.#working;
    } finally {
      await this.#checkpoints.close();
    }
  }

  /** Forgets what waits to be read. */
  #giveUp(): void {
    this.#backlog.clear();
    for (const { cancel } of this.#retries.values()) cancel();
    this.#retries.clear();
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
    this.#retries.get(file.path)?.cancel();
    this.#retries.delete(file.path);
    this.#backlog.add(file);
    this.#working ??= this.#work();
  }

  /** Reads what waits. Between the last look whether anything does and the end, nobody can add to it. */
  async #work(): Promise<void> {
    const { db, onHealthChanged } = this.#options;
    try {
      // A hint comes in the middle of something else.
      await turn(this.#clock);
      onHealthChanged?.();
      prepareForBulk(db, true);
      while (this.#backlog.size > 0 && !this.#isClosed) await this.#readBacklog();
      prepareForBulk(db, false);
    } finally {
      void this.#checkpoints.close();
      this.#working = undefined;
      this.#bytesDone = 0;
      onHealthChanged?.();
    }
  }

  async #readBacklog(): Promise<void> {
    let reading = await this.#begin();
    while (reading && !this.#isClosed) {
      const { file } = reading;
      // While one file is stored, the beginning of the next one is read.
      let next = this.#suspects.has(file.path) ? undefined : await this.#begin(file.path);
      try {
        if (await this.#ingest(reading)) this.#readToEnd(file);
        else if (reading.cancels === this.#cancels) this.#backlog.putBack(file);
      } catch (error) {
        if (error instanceof ThreadEnded) {
          for (const one of next ? [reading, next] : [reading]) this.#diedWith(one, error);
          next = undefined;
        } else this.#failed(file, error);
      }
      reading = next ?? (await this.#begin());
    }
  }

  /** The thread has died with a file, which may have done nothing: it is tried once more, alone. */
  #diedWith({ file, cancels }: Reading, error: ThreadEnded): void {
    if (this.#suspects.has(file.path)) {
      this.#failed(file, error);
      return;
    }
    this.#suspects.add(file.path);
    if (cancels === this.#cancels) this.#backlog.putBack(file);
  }

  #readToEnd(file: WaitingFile): void {
    this.#read.set(file.path, stamp(file));
    this.#suspects.delete(file.path);
    if (this.#unreadable.delete(file.path) && this.#unreadable.size === 0) this.#recover('cannot-read');
  }

  /**
   * Begins to read the file that changed last.
   * @param except path of a file that is still being stored
   */
  async #begin(except?: string): Promise<Reading | undefined> {
    const { redact } = this.#options.settings;
    // Once closed, nothing may start the reading thread again.
    while (!this.#isClosed) {
      const file = this.#backlog.takeNewest(except);
      if (!file) return undefined;
      try {
        const { path, source, takeAll } = file;
        const cancels = this.#cancels;
        const known = this.#known.get(path) ?? (await this.#moved(file));
        if (this.#isClosed) return undefined;
        const nextSize = () => this.#pace.batchSize(this.#isAmongWriters());
        const [folders, batchSize] = [this.#folders, nextSize()];
        const request: ReadRequest = { path, source, known, folders, takeAll, redact, batchSize };
        return { file, batches: this.#thread.read(request, nextSize), cancels };
      } catch (error) {
        this.#failed(file, error);
      }
    }
    return undefined;
  }

  /** Whether somebody may want to write while a transaction runs: a sibling, or who has written here just now. */
  #isAmongWriters(): boolean {
    const { db } = this.#options;
    return performance.now() - db.durableWriteAt < ALERT || hasSiblings(db);
  }

  /** @returns false when there is more to read after a turn, or after it was cancelled */
  async #ingest({ file, batches, cancels }: Reading): Promise<boolean> {
    let asked = this.#clock.now();
    let weight = 0;
    for await (const batch of batches) {
      if (cancels !== this.#cancels) return false;
      const isLast = batch.next.modifiedAt !== 0;
      if (!isEmpty(batch, this.#known.get(file.path)?.position)) {
        const held = await this.#commit(file, batch, asked);
        this.#pace.learn(batch.weight, held);
        if (!this.#isClosed) await this.#pace.rest(held, hasSiblings(this.#options.db));
      }
      weight += batch.weight;
      if (this.#isClosed || weight >= TURN) return isLast;
      asked = this.#clock.now();
    }
    return true;
  }

  /** @returns for how long nobody else could write, in ms */
  async #commit({ path, source }: WaitingFile, batch: Batch, asked: number): Promise<number> {
    const { db, leader, onCommitted } = this.#options;
    const held = await commitBatch(db, leader, { path, source }, batch);
    this.#checkpoints.committed();
    this.#remember({ path, source, ...batch.next });
    this.#bytesDone += Math.max(0, batch.next.position - batch.from);
    const { modifiedAt } = batch.next;
    const lag = modifiedAt >= this.#startedAt ? this.#clock.wallTime() - modifiedAt : undefined;
    this.#activity.committed(source, this.#clock.now() - asked, lag);
    onCommitted();
    this.#recover('cannot-save');
    return held;
  }

  /** What is known of a file under the path that it had before it was moved. */
  async #moved(file: WaitingFile): Promise<IngestFile | undefined> {
    const { path } = file;
    const before = this.#known.get(this.#paths.get(inodeOf(file)) ?? path);
    if (!before || existsSync(before.path) || !(await isMoved(path, before))) return undefined;
    const { db, leader } = this.#options;
    await writeAsLeader(db, leader, () => moveIngestFile(db, before.path, path));
    this.#known.delete(before.path);
    const moved = { ...before, path };
    this.#remember(moved);
    return moved;
  }

  #remember(file: IngestFile): void {
    this.#known.set(file.path, file);
    this.#paths.set(inodeOf(file), file.path);
  }

  #failed(file: WaitingFile, error: unknown): void {
    const { code } = error as NodeJS.ErrnoException;
    // It was there a moment ago; what was read of it stays.
    if (this.#isClosed || code === 'ENOENT') return;
    const name = basename(file.path);
    if (!(error instanceof DevChatError)) {
      // It is tried again when it has changed.
      this.#read.set(file.path, stamp(file));
      this.#unreadable.add(file.path);
      this.#degrade('cannot-read', `The transcript ${name} cannot be read (${errorText(error)}).`);
    } else if (error.reason === 'not-leader') {
      this.#options.log('info', error.message);
      void this.close();
    } else {
      this.#degrade('cannot-save', `What is in the transcripts cannot be saved at present: ${error.message}`);
      const cancel = this.#clock.after(RETRY, () => this.#wait(file));
      this.#retries.set(file.path, { cancel, error });
    }
  }

  #recover(mode: Degradation['mode']): void {
    if (this.#activity.recover(mode)) this.#options.onHealthChanged?.();
  }

  #degrade(mode: Degradation['mode'], text: string): void {
    if (!this.#activity.degrade(mode, text)) return;
    this.#options.log('warn', text);
    this.#options.onHealthChanged?.();
  }
}

function inodeOf({ device, inode }: Pick<FoundFile, 'device' | 'inode'>): string {
  return `${device}:${inode}`;
}

/** What changes when a file does. */
function stamp({ inode, size, modifiedAt }: Pick<FoundFile, 'inode' | 'size' | 'modifiedAt'>): string {
  return `${inode}:${size}:${modifiedAt}`;
}
