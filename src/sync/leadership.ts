import type { Log } from '../protocol/log.ts';
import type { LeaderRecord } from '../store/leader.ts';
import { Patience, type PatiencePorts } from './patience.ts';

/** What one instance knows of another: `unknown` while it is being dialled, or cannot be seen from here. */
export type Liveness = 'alive' | 'dead' | 'unknown';

/** What leadership is decided by, and whom it concerns. */
export interface LeadershipPorts extends PatiencePorts {
  self: string;
  /** False for one who only looks who leads. */
  mayLead: boolean;
  read(): LeaderRecord;
  takeOver(seenEpoch: number): Promise<number | undefined>;
  /** Called when another leads than before, be it this instance or not. */
  changed(): void;
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
  /** Who leads by the record, as it was last read. */
  #leader: LeaderRecord = { instanceId: '', epoch: 0 };
  readonly #patience: Patience;
  #isChecking = false;
  #checkAgain = false;

  constructor(ports: LeadershipPorts) {
    this.#ports = ports;
    this.#patience = new Patience(ports);
  }

  /** This instance's leadership, as far as it knows; a write as the leader finds out. */
  get current(): LeaderRecord | undefined {
    return this.#leader.instanceId === this.#ports.self ? this.#leader : undefined;
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
    const { self, mayLead, read, takeOver } = this.#ports;
    const leader = read();
    this.#accept(leader);
    if (!mayLead || leader.instanceId === self || !this.#isGone(leader)) return;
    const epoch = await takeOver(leader.epoch);
    if (epoch === undefined) this.#checkAgain = true;
    else this.#accept({ instanceId: self, epoch });
  }

  #isGone({ instanceId, epoch }: LeaderRecord): boolean {
    return epoch === 0 || this.#patience.isGone(instanceId, epoch);
  }

  #accept(leader: LeaderRecord): void {
    const { instanceId, epoch } = leader;
    if (instanceId === this.#leader.instanceId && epoch === this.#leader.epoch) return;
    this.#leader = leader;
    this.#ports.log('info', `${this.current ? 'this instance' : instanceId} leads (epoch ${epoch})`);
    this.#ports.changed();
  }
}
