import type { Worker } from 'node:worker_threads';
import type { Log } from '../protocol/log.ts';
import type { Database } from './database.ts';
import { startStoreThread } from './startStoreThread.ts';
import type { FromStoreThread, ToStoreThread } from './storeThread.ts';

/** Pages of the log that are worth a checkpoint, 4 KiB each. */
const ENOUGH = 2000;

/** Writes the log back into its database in a thread of its own while so much is stored that commits would have to do it. */
export class Checkpoints {
  readonly #db: Database;
  readonly #log: Log;
  #thread: Worker | undefined;
  #isBusy = false;
  #ending: Promise<unknown> = Promise.resolve();

  constructor(db: Database, log: Log) {
    this.#db = db;
    this.#log = log;
  }

  /** To be called after a commit: has the log written back if it has become long. */
  committed(): void {
    if (this.#isBusy || this.#db.logLength() < ENOUGH) return;
    this.#isBusy = true;
    this.#thread ??= this.#start();
    this.#thread.postMessage({ task: 'checkpoint' } satisfies ToStoreThread);
  }

  /** Ends the thread, if there is one, after the checkpoint that is under way. Resolves when every thread has ended. */
  async close(): Promise<void> {
    const thread = this.#thread;
    if (thread) {
      this.#thread = undefined;
      // Also after an error, which has been told.
      const ended = new Promise((resolve) => thread.once('exit', resolve));
      this.#ending = this.#ending.then(() => ended);
      thread.postMessage({ task: 'end' } satisfies ToStoreThread);
    }
    await this.#ending;
  }

  #start(): Worker {
    const thread = startStoreThread(this.#db.path);
    const done = (problem: string | null) => {
      this.#isBusy = false;
      // Nothing is lost: the log stays as it is, and a commit writes it back when it has become too long.
      if (problem !== null) this.#log('warn', `The log of ${this.#db.path} was not written back: ${problem}`);
    };
    thread.on('message', ({ problem }: FromStoreThread) => done(problem?.message ?? null));
    thread.on('error', (error) => {
      if (this.#thread === thread) this.#thread = undefined;
      done(String(error));
    });
    return thread;
  }
}
