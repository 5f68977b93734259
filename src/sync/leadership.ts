import type { Log } from '../protocol/log.ts';
import type { LeaderRecord } from '../store/leader.ts';

/** What one instance knows of another: `unknown` while it is being dialled, or cannot be seen from here. */
export type Liveness = 'alive' | 'dead' | 'unknown';

/** How long a leader of unknown fate is respected, in ms of the monotonic clock. */
const PATIENCE = 60_000;

/** What leadership is decided by, and whom it concerns. */
export interface LeadershipPorts {
  self: string;
  read(): LeaderRecord;
  takeOver(seenEpoch: number): Promise<number | undefined>;
  liveness(instanceId: string): Liveness;
  /** Milliseconds of a clock that never jumps. */
  now(): number;
  /** Called when this instance has become the leader, and with undefined when it no longer is. */
  changed(leadership: LeaderRecord | undefined): void;
  /** Called when the record could not be read or written; the next check tries again. */
  failed(error: unknown): void;
  log: Log;
}

/**
 * Decides whether this instance leads. There is no lease and no heartbeat in the database: a leader is replaced when
 * its peers see it gone, and its epoch keeps one that comes back from writing.
 */
export class Leadership {
  readonly #ports: LeadershipPorts;
  #current: LeaderRecord | undefined;
  #doubt: { epoch: number; since: number } | undefined;
  #isChecking = false;
  #checkAgain = false;

  constructor(ports: LeadershipPorts) {
    this.#ports = ports;
  }

  /** This instance's leadership, as far as it knows; a write as the leader finds out. */
  get current(): LeaderRecord | undefined {
    return this.#current;
  }

  /** Looks who leads and takes over from a dead leader. To be called whenever peers come or go, and now and then. */
  check(): void {
    this.#checkAgain = true;
    if (!this.#isChecking) void this.#check();
  }

  async #check(): Promise<void> {
    this.#isChecking = true;
    try {
      while (this.#checkAgain) {
        this.#checkAgain = false;
        await this.#decide();
      }
    } catch (error) {
      this.#ports.failed(error);
    } finally {
      this.#isChecking = false;
    }
  }

  async #decide(): Promise<void> {
    const { self, read, takeOver } = this.#ports;
    const leader = read();
    if (leader.instanceId === self) return this.#become(leader);
    this.#become(undefined);
    if (!this.#isGone(leader)) return;
    const epoch = await takeOver(leader.epoch);
    if (epoch === undefined) this.#checkAgain = true;
    else this.#become({ instanceId: self, epoch });
  }

  #isGone({ instanceId, epoch }: LeaderRecord): boolean {
    const { liveness, now } = this.#ports;
    const state = epoch === 0 ? 'dead' : liveness(instanceId);
    if (state !== 'unknown') {
      this.#doubt = undefined;
      return state === 'dead';
    }
    if (this.#doubt?.epoch !== epoch) this.#doubt = { epoch, since: now() };
    return now() - this.#doubt.since > PATIENCE;
  }

  #become(leadership: LeaderRecord | undefined): void {
    if (leadership?.epoch === this.#current?.epoch) return;
    this.#current = leadership;
    this.#ports.log('info', leadership ? `this instance leads (epoch ${leadership.epoch})` : 'this instance follows');
    this.#ports.changed(leadership);
  }
}
