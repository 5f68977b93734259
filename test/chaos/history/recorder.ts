import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../../scripts/lib/step.mjs';
import { assertHolds } from '../check/check.ts';
import { plan } from '../plan.ts';
import { monotonicTime } from '../time.ts';
import type { Event, NewEvent } from './event.ts';
import type { State } from './state.ts';

/** Least difference of two times, in ms. */
const STEP = 1e-4;

/** The records of the case that runs. */
const recorders: Recorder[] = [];

/** Writes down what happened in one case. */
export class Recorder {
  readonly history: Event[] = [];
  /** What the database held in the end, as far as that is known. */
  state: State | undefined;
  /** Whether everything was found to hold, so that nobody will look into it. */
  isSound = false;
  #last = 0;

  constructor() {
    recorders.push(this);
  }

  /** A time that no other event has. */
  now(): number {
    this.#last = Math.max(monotonicTime(), this.#last + STEP);
    return this.#last;
  }

  /** Records something that has just happened. */
  observe(event: NewEvent): void {
    this.history.push({ mono: this.now(), took: 0, result: 'ok', ...event });
  }

  /** Records an operation that began at `mono` and has just ended. */
  complete(mono: number, event: NewEvent & Pick<Event, 'result'>): void {
    this.history.push({ mono, took: monotonicTime() - mono, ...event });
  }

  /** Holds the history and the database that it ended in against the invariants. */
  conclude(state: State): void {
    this.state = state;
    assertHolds(this.history, state);
    this.isSound = true;
  }

  fault(text: string): void {
    this.observe({ proc: 'harness', op: 'fault', reason: text });
  }
}

/**
 * Ends the records of one case; what a failed one leaves is kept for whoever looks into it.
 * @returns the paths of its histories, one JSON document per line; beside each lies what the database held
 */
export function endRecords(title: string, hasFailed: boolean): string[] {
  const ended = recorders.splice(0).filter(({ isSound }) => !isSound);
  return hasFailed ? ended.map((recorder, index) => keep(recorder, `${title} ${plan.seed} ${index}`)) : [];
}

function keep({ history, state }: Recorder, name: string): string {
  const directory = join(root, 'artifacts', 'chaos');
  mkdirSync(directory, { recursive: true });
  const path = join(directory, name.replaceAll(/\W+/g, '-'));
  const lines = history.toSorted((a, b) => a.mono - b.mono).map((event) => JSON.stringify(event));
  writeFileSync(`${path}.ndjson`, `${lines.join('\n')}\n`);
  if (state) writeFileSync(`${path}.state.json`, JSON.stringify(state, null, 1));
  return `${path}.ndjson`;
}
