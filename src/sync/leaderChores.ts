import type { LeaderRecord } from '../store/leader.ts';

/** How often the leader tidies up, in ms; the first time one tenth of that after it was elected. */
const INTERVAL = 3_600_000;

/** Runs what only the leader does, for as long as this instance leads. */
export class LeaderChores {
  readonly #tidy: (leader: LeaderRecord) => Promise<void>;
  readonly #failed: (error: unknown) => void;
  #leadership: LeaderRecord | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(tidy: (leader: LeaderRecord) => Promise<void>, failed: (error: unknown) => void) {
    this.#tidy = tidy;
    this.#failed = failed;
  }

  /** Begins to serve under a leadership, or with undefined ends. */
  serve(leadership: LeaderRecord | undefined): void {
    this.#leadership = leadership;
    clearTimeout(this.#timer);
    if (leadership) this.#schedule(leadership, INTERVAL / 10);
  }

  #schedule(leadership: LeaderRecord, delay: number): void {
    this.#timer = setTimeout(async () => {
      // One failure must not end the series.
      await this.#tidy(leadership).catch(this.#failed);
      if (this.#leadership === leadership) this.#schedule(leadership, INTERVAL);
    }, delay);
  }
}
