import assert from 'node:assert/strict';
import type { Event } from '../history/event.ts';
import type { State } from '../history/state.ts';
import { epochsRise } from './leaders.ts';
import { resourcesAreReturned } from './resources.ts';
import {
  changesComeOnce,
  cursorsAdvance,
  orderDoesNotMatter,
  ownWritesAreRead,
  readsAreMonotonic,
  replicasConverge,
} from './sessions.ts';
import { commitsAreWhole, fileIsSound, numbersAreGapFree, rowsAreUnique } from './stored.ts';
import { streamsAreWholePieces } from './streams.ts';
import { acknowledgedIsStored, authorsKeepTheirOrder, operationsEnd, textsAreGenuine } from './writes.ts';

type Invariant = (history: readonly Event[], state: State) => string[];

/** What must hold of every history and of the database that it ends in. */
const invariants: Record<string, Invariant> = {
  durability: acknowledgedIsStored,
  uniqueness: (history, state) => [...rowsAreUnique(state), ...changesComeOnce(history)],
  'no fabrication': textsAreGenuine,
  atomicity: (_, state) => commitsAreWhole(state),
  'gap-free numbers': (_, state) => numbersAreGapFree(state),
  'order of each author': authorsKeepTheirOrder,
  'monotonic reads': readsAreMonotonic,
  'read your writes': ownWritesAreRead,
  'order of delivery does not matter': orderDoesNotMatter,
  'cursors advance': cursorsAdvance,
  'streams are prefixes': streamsAreWholePieces,
  'epochs rise': epochsRise,
  'operations end': operationsEnd,
  'sound file': (_, state) => fileIsSound(state),
  convergence: replicasConverge,
  'resources are returned': resourcesAreReturned,
};

/** One violation, in words. */
export interface Finding {
  invariant: string;
  text: string;
}

/** Everything that a history and its database violate. */
export function check(history: readonly Event[], state: State): Finding[] {
  return Object.entries(invariants).flatMap(([invariant, holds]) =>
    holds(history, state).map((text) => ({ invariant, text })),
  );
}

/** Fails, with the first findings, unless everything holds. */
export function assertHolds(history: readonly Event[], state: State): void {
  const findings = check(history, state).map(({ invariant, text }) => `${invariant}: ${text}`);
  assert.equal(findings.length, 0, [`${findings.length} violations`, ...findings.slice(0, 20)].join('\n'));
}
