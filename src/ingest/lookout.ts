import { existsSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { errorText } from '../protocol/errors.ts';
import type { Source } from '../protocol/ingest.ts';
import { type Cancel, type Clock, every } from '../sync/clock.ts';
import type { Activity } from './health.ts';
import { canonical, type Directory, type FoundFile, findTranscripts, look, type Root, topOf, wayTo } from './roots.ts';
import { Watcher } from './watcher.ts';

/** How long after its last change a file is looked at often, in ms. */
const HOT = 3_600_000;

/** How often hot files and all files are looked at in case an event was missed, in ms; the last without events. */
const HOT_SWEEP = 2000;
const COLD_SWEEP = 60_000;
const POLLING_SWEEP = 5000;

/** How long after it was looked at for an event a file is looked at again, if there were more, in ms. */
const AGAIN = 20;

/** What the lookout needs, and whom it tells. */
export interface LookoutPorts {
  roots: readonly Root[];
  folders: readonly string[];
  clock: Clock;
  activity: Activity;
  polls: boolean;
  watches: boolean;
  /** A transcript as it is now. Hot ones are being written. */
  found(file: FoundFile, isHot: boolean): void;
  degraded(mode: 'polling' | 'no-events', text: string): void;
  recovered(mode: 'no-events'): void;
}

/** Sees the transcripts that there are and that change: by events, and by looking in case one was missed. */
export class Lookout {
  readonly #ports: LookoutPorts;
  readonly #found = new Map<string, FoundFile>();
  readonly #watcher: Watcher | undefined;
  readonly #cancelSweeps: Cancel[];
  /** Files that were looked at just now for an event. */
  readonly #looked = new Map<string, { cancel: Cancel; isStale: boolean }>();
  #sweeping: Promise<void> | undefined;
  /** Whether anything has failed since the last look at all files was begun. */
  #hasFailed = false;

  constructor(ports: LookoutPorts) {
    const { roots, clock, watches } = ports;
    this.#ports = ports;
    const polls = ports.polls || roots.some(({ isRemote }) => isRemote);
    if (polls)
      ports.degraded('polling', 'Transcripts are looked at every few seconds: nothing tells when they change.');
    this.#watcher = watches && !ports.polls ? this.#startWatcher() : undefined;
    this.#cancelSweeps = [
      every(clock, HOT_SWEEP, () => this.#inBackground(this.#sweepHot())),
      every(clock, polls ? POLLING_SWEEP : COLD_SWEEP, () => this.#inBackground(this.sweep())),
    ];
    this.#inBackground(this.sweep());
  }

  /** Files that are being written, in directories that are watched. */
  get filesWatched(): number {
    const watched = this.#watcher?.directories;
    return watched ? this.#hot.filter(({ path }) => watched.has(dirname(path))).length : 0;
  }

  /** Looks at all files, once at a time. */
  sweep(): Promise<void> {
    this.#sweeping ??= this.#sweepNow().finally(() => {
      this.#sweeping = undefined;
    });
    return this.#sweeping;
  }

  /** Resolves when no look at all files is under way. */
  async settled(): Promise<void> {
    await this.#sweeping;
  }

  async close(): Promise<void> {
    for (const cancel of this.#cancelSweeps) cancel();
    for (const { cancel } of this.#looked.values()) cancel();
    this.#watcher?.close();
    await this.#sweeping;
  }

  #startWatcher(): Watcher {
    return new Watcher({
      event: (directory, name, event) => this.#inBackground(this.#onEvent(directory, name, event)),
      failed: (error) => this.#failed(error),
    });
  }

  /** What fails is made good by the next look at all files. */
  #inBackground(work: Promise<void>): void {
    work.catch((error: unknown) => this.#failed(error));
  }

  #failed(error: unknown): void {
    this.#hasFailed = true;
    // Without the path, so that many failures are told once.
    const reason = (error as NodeJS.ErrnoException).code ?? errorText(error);
    const text = `Some transcripts are only looked at now and then: watching failed (${reason}).`;
    this.#ports.degraded('no-events', text);
  }

  async #onEvent({ root, path: directory, way }: Directory, name: string, event: string): Promise<void> {
    const [path, below] = [join(directory, name), wayTo(way, name)];
    const isChange = event === 'change';
    if (root.adapter.isTranscript(below))
      this.#lookSoon(path, root.adapter.source, isChange ? event : existsSync(path) ? 'add' : 'unlink');
    else if (!isChange && root.adapter.mayHold(below, this.#ports.folders) && isDirectory(path))
      await this.#walk({ root, path: canonical(path), way: below });
  }

  /** Looks at a file at once, and once more if something happens to it shortly afterwards. */
  #lookSoon(path: string, source: Source, event: string): void {
    const last = this.#looked.get(path);
    if (last) {
      last.isStale = true;
      return;
    }
    const cancel = this.#ports.clock.after(AGAIN, () => {
      this.#looked.delete(path);
      if (looked.isStale) this.#lookSoon(path, source, event);
    });
    const looked = { cancel, isStale: false };
    this.#looked.set(path, looked);
    this.#ports.activity.event(basename(path), event);
    this.#inBackground(this.#look(path, source));
  }

  async #look(path: string, source: Source): Promise<void> {
    for (const file of await look(path, source)) this.#tell(file);
  }

  get #hot(): FoundFile[] {
    return [...this.#found.values()].filter(({ modifiedAt }) => this.#isHot(modifiedAt));
  }

  /** Looks at the files that are being written. */
  async #sweepHot(): Promise<void> {
    for (const { path, source } of this.#hot) await this.#look(path, source);
  }

  async #sweepNow(): Promise<void> {
    this.#hasFailed = false;
    for (const root of this.#ports.roots) await this.#walk(topOf(root));
    if (!this.#hasFailed) this.#ports.recovered('no-events');
  }

  /** Looks at all files in a directory and below, and has the directories watched from before that. */
  async #walk(directory: Directory): Promise<void> {
    const visit = (visited: Directory) => {
      if (!visited.root.isRemote) this.#watcher?.add(visited);
    };
    for (const file of await findTranscripts(directory, this.#ports.folders, visit)) this.#tell(file);
  }

  #tell(file: FoundFile): void {
    // Of a file that is there in plain form as well, the compressed one says nothing new.
    if (file.path.endsWith('.zst') && existsSync(file.path.slice(0, -'.zst'.length))) return;
    this.#found.set(file.path, file);
    this.#ports.found(file, this.#isHot(file.modifiedAt));
  }

  #isHot(modifiedAt: number): boolean {
    return this.#ports.clock.wallTime() - modifiedAt < HOT;
  }
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    // It is gone again, or not ours to look at.
    return false;
  }
}
