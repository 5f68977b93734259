import type { Liveness } from './leadership.ts';

/** How long an instance of unknown fate is respected, in ms of the monotonic clock. */
const PATIENCE = 60_000;

/** What instances are judged by. */
export interface PatiencePorts {
  liveness(instanceId: string): Liveness;
  /** Milliseconds of a clock that never jumps. */
  now(): number;
}

/** Decides whether instances are gone. One that cannot be seen is, when for a minute it has done nothing either. */
export class Patience {
  readonly #ports: PatiencePorts;
  readonly #doubts = new Map<string, { deeds: number; since: number }>();

  constructor(ports: PatiencePorts) {
    this.#ports = ports;
  }

  /** @param deeds a number that rises whenever the instance has done something that shows in the database */
  isGone(instanceId: string, deeds: number): boolean {
    const { liveness, now } = this.#ports;
    const state = liveness(instanceId);
    if (state !== 'unknown') {
      this.#doubts.delete(instanceId);
      return state === 'dead';
    }
    let doubt = this.#doubts.get(instanceId);
    if (doubt?.deeds !== deeds) doubt = { deeds, since: now() };
    this.#doubts.set(instanceId, doubt);
    return now() - doubt.since > PATIENCE;
  }
}
