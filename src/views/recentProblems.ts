import { serialiseError } from '../protocol/errors.ts';
import type { Log } from '../protocol/log.ts';

/** How many problems are kept for diagnosis. */
const KEPT = 20;

/** The problems of this window, newest last, besides the log. */
export class RecentProblems {
  readonly lines: string[] = [];
  readonly #log: Log;
  readonly #show: (problem: string) => void;

  /** @param show tells the user; nobody waits until that is read */
  constructor(log: Log, show: (problem: string) => void) {
    this.#log = log;
    this.#show = show;
  }

  /** Writes to the log, and keeps what is a problem. */
  readonly log: Log = (level, text) => {
    this.#log(level, text);
    if (level !== 'error' && level !== 'warn') return;
    this.lines.push(`${new Date().toISOString()} ${level}: ${text}`);
    this.lines.splice(0, this.lines.length - KEPT);
  };

  /** Tells the user why something was not done, and the log. */
  tell(error: unknown, what = 'command'): void {
    const { message } = serialiseError(error);
    this.log('error', `${what}: ${message}`);
    this.#show(message);
  }
}
