import { existsSync, type FSWatcher, watch } from 'node:fs';
import { basename, join } from 'node:path';
import { type FileIdentity, fileIdentity, isSameFile } from '../store/files.ts';
import type { Directory } from './roots.ts';

/** What the system says of a directory that is not for us. */
const FORBIDDEN = new Set(['EACCES', 'EPERM']);

/** Whom the watcher tells. */
export interface WatcherPorts {
  /** Something happened to what has this name in a directory: `change`, or `rename` when it came or went. */
  event(directory: Directory, name: string, event: string): void;
  failed(error: unknown): void;
}

/** Hears of changes in the agents' directories, not of those below. Every event is only a hint to look. */
export class Watcher {
  readonly #ports: WatcherPorts;
  readonly #watches = new Map<string, { watch: FSWatcher; path: string; identity: FileIdentity }>();

  #isClosed = false;

  constructor(ports: WatcherPorts) {
    this.#ports = ports;
  }

  /** The paths of the directories that are watched. */
  get directories(): Set<string> {
    return new Set([...this.#watches.values()].map(({ path }) => path));
  }

  /** Watches a directory, unless it is watched and still the same one. */
  add(directory: Directory): void {
    if (this.#isClosed) return;
    const { root, path } = directory;
    const key = [root.adapter.source, root.path, path].join('\0');
    try {
      const identity = fileIdentity(path);
      if (identity && isSameFile(this.#watches.get(key)?.identity, identity)) return;
      this.#drop(key);
      if (!identity) return;
      const opened = watch(path, (event, name) => this.#onEvent(key, directory, event, name));
      this.#watches.set(key, { watch: opened, path, identity });
      opened.on('error', (error) => this.#onError(key, path, error));
    } catch (error) {
      this.#onError(key, path, error);
    }
  }

  close(): void {
    this.#isClosed = true;
    for (const key of this.#watches.keys()) this.#drop(key);
  }

  #onEvent(key: string, directory: Directory, event: string, name: string | null): void {
    if (name === null) return;
    const { path } = directory;
    // A directory that goes says so by its own name; another one that takes its place may get its inode number.
    if (event === 'rename' && name === basename(path) && !existsSync(join(path, name))) {
      this.#drop(key);
      this.add(directory);
    }
    this.#ports.event(directory, name, event);
  }

  #onError(key: string, path: string, error: unknown): void {
    this.#drop(key);
    // What is gone, or not ours to look at, holds nothing for us.
    const isOurs = !FORBIDDEN.has((error as NodeJS.ErrnoException).code ?? '');
    if (isOurs && existsSync(path)) this.#ports.failed(error);
  }

  #drop(key: string): void {
    this.#watches.get(key)?.watch.close();
    this.#watches.delete(key);
  }
}
