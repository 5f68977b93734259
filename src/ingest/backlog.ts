import type { FoundFile } from './roots.ts';

/** A file that is to be read. */
export interface WaitingFile extends FoundFile {
  /** Whatever workspace it belongs to. */
  takeAll: boolean;
}

/** The files that wait to be read, each once. */
export class Backlog {
  readonly #files = new Map<string, WaitingFile>();

  get size(): number {
    return this.#files.size;
  }

  /** Adds a file as it is now; what was asked for it before holds. */
  add(file: WaitingFile): void {
    const takeAll = file.takeAll || (this.#files.get(file.path)?.takeAll ?? false);
    this.#files.set(file.path, { ...file, takeAll });
  }

  /** Puts a file back that was not read to its end, unless it has been added again. */
  putBack(file: WaitingFile): void {
    this.add(this.#files.get(file.path) ?? file);
  }

  /**
   * Takes the file that changed last, so that today's chats come before those of last year.
   * @param except path of a file that has to wait
   */
  takeNewest(except?: string): WaitingFile | undefined {
    let newest: WaitingFile | undefined;
    for (const file of this.#files.values()) {
      if (file.path !== except && (!newest || file.modifiedAt > newest.modifiedAt)) newest = file;
    }
    if (newest) this.#files.delete(newest.path);
    return newest;
  }

  clear(): void {
    this.#files.clear();
  }

  *[Symbol.iterator](): Iterator<WaitingFile> {
    yield* this.#files.values();
  }
}
