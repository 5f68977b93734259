import type { Message } from '../protocol/model.ts';
import type { ChangePage } from '../store/changeLog.ts';
import { type Clock, turn } from './clock.ts';

/** Entries per page of the change log; a page may be longer by the rest of one transaction. */
const PAGE = 500;

/** A page of the change log with all that goes to the client along with it, of one moment. */
export interface FeedPage extends ChangePage {
  /** The changed messages as they are now, if they are few and short. */
  messages: Message[];
}

/** What the feed reads from and delivers to. */
export interface FeedPorts {
  read(cursor: number, limit: number): FeedPage;
  /** Called with every page, in commit order. */
  deliver(page: FeedPage): void;
  /** Called when the log no longer holds what follows the cursor: everything must be loaded again. */
  lost(head: number): void;
  /** Called when reading failed; the next look tries again. */
  failed(error: unknown): void;
  clock: Pick<Clock, 'nextTurn'>;
}

/**
 * Follows the change log. Every hint that something happened (a nudge, an own commit, the slow poll) ends in
 * {@link look}; only rows that were read move the cursor.
 */
export class ChangeFeed {
  readonly #ports: FeedPorts;
  #cursor: number;
  #draining = false;
  #lookAgain = false;

  /** @param cursor the change-log head of the moment whose state the receiver holds */
  constructor(ports: FeedPorts, cursor: number) {
    this.#ports = ports;
    this.#cursor = cursor;
  }

  /** Id of the newest change delivered. */
  get cursor(): number {
    return this.#cursor;
  }

  /** Delivers what is new. The first page is delivered before this returns; a look during a drain is not lost. */
  look(): void {
    this.#lookAgain = true;
    if (!this.#draining) void this.#drain();
  }

  async #drain(): Promise<void> {
    this.#draining = true;
    try {
      while (this.#lookAgain) {
        this.#lookAgain = false;
        const page = this.#ports.read(this.#cursor, PAGE);
        if (page.pruned) {
          this.#cursor = page.head;
          this.#ports.lost(page.head);
          continue;
        }
        const newest = page.changes.at(-1);
        if (!newest) continue;
        this.#cursor = newest.id;
        this.#ports.deliver(page);
        if (page.changes.length < PAGE) continue;
        this.#lookAgain = true;
        // Between full pages the process answers its other callers.
        await turn(this.#ports.clock);
      }
    } catch (error) {
      this.#ports.failed(error);
    } finally {
      this.#draining = false;
    }
  }
}
