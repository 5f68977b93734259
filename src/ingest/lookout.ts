import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { errorText } from '../protocol/errors.ts';
import type { Source } from '../protocol/ingest.ts';
import { type Cancel, type Clock, every } from '../sync/clock.ts';
import type { Activity } from './health.ts';
import { type FoundFile, findTranscripts, isTranscriptIn, look, type Root } from './roots.ts';
import { Watcher } from './watcher.ts';

/** How long after its last change a file is watched and looked at often, in ms. */
const HOT = 3_600_000;

/** How often hot files and all files are looked at in case an event was missed, in ms; the last without events. */
const HOT_SWEEP = 2000;
const COLD_SWEEP = 60_000;
const POLLING_SWEEP = 5000;

/** When a file is looked at again after an event, in ms: of what happens within 50 ms, the watcher tells only the first. */
const AGAIN = [20, 60];

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
}

/** Sees the transcripts that there are and that change: by events, and by looking in case one was missed. */
export class Lookout {
  readonly #ports: LookoutPorts;
  readonly #found = new Map<string, FoundFile>();
  readonly #watcher: Watcher | undefined;
  readonly #cancelSweeps: Cancel[];
  readonly #cancelLooks = new Map<string, Cancel>();
  #sweeping: Promise<void> | undefined;

  constructor(ports: LookoutPorts) {
    const { roots, clock, watches } = ports;
    this.#ports = ports;
    const polls = ports.polls || roots.some(({ isRemote }) => isRemote);
    if (polls)
      ports.degraded('polling', 'Transcripts are looked at every few seconds: nothing tells when they change.');
    this.#watcher = watches && !ports.polls ? this.#watch() : undefined;
    this.#cancelSweeps = [
      every(clock, HOT_SWEEP, () => void this.#sweepHot()),
      every(clock, polls ? POLLING_SWEEP : COLD_SWEEP, () => void this.sweep()),
    ];
    void this.sweep();
  }

  get filesWatched(): number {
    return this.#watcher?.files.length ?? 0;
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
    for (const cancel of [...this.#cancelSweeps, ...this.#cancelLooks.values()]) cancel();
    await this.#watcher?.close();
    await this.#sweeping;
  }

  #watch(): Watcher {
    const { roots, folders, degraded } = this.#ports;
    return new Watcher({
      roots: roots.filter(({ isRemote }) => !isRemote),
      folders,
      isHot: (modifiedAt) => this.#isHot(modifiedAt),
      event: (path, event) => void this.#onEvent(path, event),
      stirred: (path) => {
        // An agent goes on with a session of long ago, which is not watched any more.
        const file = this.#found.get(path);
        if (file && !this.#isHot(file.modifiedAt)) void this.#onEvent(path, 'change');
      },
      failed: (error) =>
        degraded(
          'no-events',
          `Some transcripts are only looked at now and then: watching failed (${errorText(error)}).`,
        ),
    });
  }

  async #onEvent(path: string, event: string): Promise<void> {
    const { roots, folders, activity, clock } = this.#ports;
    const root = roots.find((one) => isTranscriptIn(one, path, folders));
    if (!root) return;
    activity.event(basename(path), event);
    const again = AGAIN.map((delay) => clock.after(delay, () => void this.#look(path, root.adapter.source)));
    this.#cancelLooks.get(path)?.();
    this.#cancelLooks.set(path, () => {
      for (const cancel of again) cancel();
    });
    await this.#look(path, root.adapter.source);
  }

  async #look(path: string, source: Source): Promise<void> {
    for (const file of await look(path, source)) this.#tell(file);
  }

  /** Looks at the files that are being written. */
  async #sweepHot(): Promise<void> {
    const hot = [...this.#found.values()].filter(({ modifiedAt }) => this.#isHot(modifiedAt));
    for (const { path, source } of hot) await this.#look(path, source);
  }

  async #sweepNow(): Promise<void> {
    const watched = new Set(this.#watcher?.files);
    for (const root of this.#ports.roots) {
      // An agent may have been installed since.
      if (!root.isRemote && existsSync(root.path)) this.#watcher?.ensure(root.path);
      for (const file of await findTranscripts(root, this.#ports.folders)) {
        if (!this.#isHot(file.modifiedAt) && watched.has(file.path)) this.#watcher?.letGo(file.path);
        this.#tell(file);
      }
    }
  }

  #tell(file: FoundFile): void {
    // Of a file that is there in plain form as well, the compressed one says nothing new.
    if (file.path.endsWith('.zst') && existsSync(file.path.slice(0, -'.zst'.length))) return;
    const isHot = this.#isHot(file.modifiedAt);
    const before = this.#found.get(file.path);
    this.#found.set(file.path, file);
    if (isHot && !(before && this.#isHot(before.modifiedAt))) this.#watcher?.add(file.path);
    this.#ports.found(file, isHot);
  }

  #isHot(modifiedAt: number): boolean {
    return this.#ports.clock.wallTime() - modifiedAt < HOT;
  }
}
