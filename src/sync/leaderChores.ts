import type { LeaderRecord } from '../store/leader.ts';
import type { Cancel, Clock } from './clock.ts';

/** How often the leader tidies up, in ms; the first time one tenth of that after it was elected. */
const INTERVAL = 3_600_000;

/** What the leader does, and when. */
export interface ChorePorts {
  clock: Pick<Clock, 'after'>;
  tidy(leader: LeaderRecord): Promise<void>;
  /** Called when tidying failed; it is tried again after the usual time. */
  failed(error: unknown): void;
}

/** Runs what only the leader does, for as long as this instance leads. */
export class LeaderChores {
  readonly #ports: ChorePorts;
  #leadership: LeaderRecord | undefined;
  #cancel: Cancel | undefined;

  constructor(ports: ChorePorts) {
    this.#ports = ports;
  }

  /** Begins to serve under a leadership, or with undefined ends. */
  serve(leadership: LeaderRecord | undefined): void {
    this.#leadership = leadership;
    this.#cancel?.();
    if (leadership) this.#schedule(leadership, INTERVAL / 10);
  }

  #schedule(leadership: LeaderRecord, delay: number): void {
    this.#cancel = this.#ports.clock.after(delay, async () => {
      // One failure must not end the series.
      await this.#ports.tidy(leadership).catch(this.#ports.failed);
      if (this.#leadership === leadership) this.#schedule(leadership, INTERVAL);
    });
  }
}
