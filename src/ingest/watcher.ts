import type { Stats } from 'node:fs';
import { join } from 'node:path';
import { type FSWatcher, watch } from 'chokidar';
import { isTranscriptIn, pathIn, type Root } from './roots.ts';

/** What the watcher tells, and whom it asks. */
export interface WatcherPorts {
  roots: readonly Root[];
  folders: readonly string[];
  /** Whether a file that was changed then is worth a watch of its own. */
  isHot(modifiedAt: number): boolean;
  /** Something happened to a file, or it was there from the beginning. */
  event(path: string, event: string): void;
  /** Something happened to what has this path in a directory, be it watched or not. */
  stirred(path: string): void;
  failed(error: unknown): void;
}

/** What comes with an event of the operating system. */
interface WatchDetails {
  watchedPath: string;
}

/** Hears of changes in the agents' directories. Every event is only a hint to look at a file. */
export class Watcher {
  readonly #ports: WatcherPorts;
  readonly #watcher: FSWatcher;

  constructor(ports: WatcherPorts) {
    this.#ports = ports;
    this.#watcher = watch(
      ports.roots.map(({ path }) => path),
      // Waiting for writes to end would hide a file that is written to all the time.
      { ignoreInitial: false, awaitWriteFinish: false, ignored: (path, stats) => this.#isIgnored(path, stats) },
    );
    this.#watcher
      .on('all', (event, path) => ports.event(path, event))
      .on('raw', (_, name, details) => ports.stirred(join((details as WatchDetails).watchedPath, String(name))))
      .on('error', (error) => ports.failed(error));
  }

  /** Files that are watched one by one. */
  get files(): string[] {
    const watched = Object.entries(this.#watcher.getWatched());
    const paths = watched.flatMap(([directory, names]) => names.map((name) => join(directory, name)));
    return paths.filter((path) => this.#ports.roots.some((root) => isTranscriptIn(root, path, this.#ports.folders)));
  }

  /** Watches a file that was let go. */
  add(path: string): void {
    this.#watcher.add(path);
  }

  /** Watches a directory unless it is watched. */
  ensure(directory: string): void {
    if (!(directory in this.#watcher.getWatched())) this.#watcher.add(directory);
  }

  /** Stops watching a file that nobody writes to any more. */
  letGo(path: string): void {
    this.#watcher.unwatch(path);
  }

  close(): Promise<void> {
    return this.#watcher.close();
  }

  #isIgnored(path: string, stats: Stats | undefined): boolean {
    if (!stats) return false;
    const { roots, folders, isHot } = this.#ports;
    const around = roots.filter((root) => root.path === path || pathIn(root, path) !== undefined);
    if (stats.isDirectory()) {
      return !around.some((root) => root.path === path || root.adapter.mayHold(pathIn(root, path) ?? '', folders));
    }
    return !isHot(stats.mtimeMs) || !around.some((root) => isTranscriptIn(root, path, folders));
  }
}
