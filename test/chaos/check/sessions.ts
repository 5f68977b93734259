import { Random } from '../../support/random.ts';
import { type Copy, digest, merge } from '../history/digest.ts';
import type { Event } from '../history/event.ts';
import type { State } from '../history/state.ts';

/** How long after the last fault all replicas may differ, in ms. */
const RECOVERY = 30_000;

const end = ({ mono, took }: Event) => mono + took;

/** The events of each client in the order in which it learned of them. */
function sessions(history: readonly Event[]): [proc: string, events: Event[]][] {
  const ordered = history.toSorted((a, b) => end(a) - end(b));
  return [...Map.groupBy(ordered, ({ proc }) => proc)];
}

/** An event that shows one row of a message to its client: read, delivered, or as the answer to its own write. */
function toCopy(event: Event): Copy | undefined {
  const { op, result, message, conversation, seq, revision, hash, status, isDeleted = false } = event;
  if (result !== 'ok' || op === 'range' || op === 'change') return undefined;
  if (!message || !conversation || !seq || !revision || hash === undefined || !status) return undefined;
  return { message, conversation, seq, revision, hash, status, isDeleted };
}

/** Uniqueness, of the deliveries: no client is told of one change twice. */
export function changesComeOnce(history: readonly Event[]): string[] {
  return sessions(history).flatMap(([proc, events]) => {
    const seen = new Set<number>();
    const told = events.filter(({ op }) => op === 'change' || op === 'reload');
    return told.flatMap(({ op, change = 0 }) => {
      if (op === 'reload') seen.clear();
      else if (seen.has(change)) return [`${proc} was told of change ${change} twice`];
      seen.add(change);
      return [];
    });
  });
}

/** Monotonic reads: for one client no revision falls, no message vanishes, and what is deleted stays so. */
export function readsAreMonotonic(history: readonly Event[], state: State): string[] {
  const rows = new Map(state.messages.map((message) => [message.id, message]));
  return sessions(history).flatMap(([proc, events]) => {
    const seen = new Map<string, Copy>();
    const newest = new Map<string, number>();
    return events.flatMap((event) => {
      const { op, conversation = '', seq = 0 } = event;
      if (op === 'range') {
        const before = newest.get(conversation) ?? 0;
        newest.set(conversation, Math.max(before, seq));
        return seq < before ? [`${proc} saw ${conversation} shrink from ${before} to ${seq}`] : [];
      }
      const copy = toCopy(event);
      if (!copy) return [];
      const before = seen.get(copy.message);
      seen.set(copy.message, copy);
      const row = rows.get(copy.message);
      return [
        ...(before && copy.revision < before.revision
          ? [`${proc} saw message ${copy.message} fall from revision ${before.revision} to ${copy.revision}`]
          : []),
        ...(before?.isDeleted && !copy.isDeleted ? [`${proc} saw message ${copy.message} come back`] : []),
        ...(!row || row.revision < copy.revision ? [`${proc} saw message ${copy.message}, which is gone`] : []),
      ];
    });
  });
}

/** Read your writes: who reads after the acknowledgement of an own write sees it. */
export function ownWritesAreRead(history: readonly Event[]): string[] {
  return sessions(history).flatMap(([proc, events]) => {
    const own = events.filter(
      ({ op, result }) => result === 'ok' && ['add', 'update', 'delete', 'stream'].includes(op),
    );
    const reads = events.filter(({ op, result }) => result === 'ok' && (op === 'read' || op === 'range'));
    const written = new Map<string, { revision: number; seq: number }>();
    let next = 0;
    return reads
      .toSorted((a, b) => a.mono - b.mono)
      .flatMap(({ op, mono, message, conversation, revision = 0, seq = 0 }) => {
        for (let write = own[next]; write && end(write) < mono; write = own[++next]) {
          const all = written.get(`${write.conversation}`)?.seq ?? 0;
          written.set(`${write.conversation}`, { revision: 0, seq: Math.max(all, write.seq ?? 0) });
          const row = written.get(`${write.message}`)?.revision ?? 0;
          written.set(`${write.message}`, { revision: Math.max(row, write.revision ?? 0), seq: 0 });
        }
        const least = written.get(`${op === 'range' ? conversation : message}`);
        const isStale = least !== undefined && (op === 'range' ? seq < least.seq : revision < least.revision);
        return isStale ? [`${proc} did not read its own write to ${message ?? conversation}`] : [];
      });
  });
}

/** Order of delivery: whatever order and repetition the rows come in, the same state results. */
export function orderDoesNotMatter(history: readonly Event[]): string[] {
  const random = new Random(1, 'deliveries');
  return sessions(history).flatMap(([proc, events]) => {
    const held = events.find(({ op }) => op === 'digest');
    if (!held) return [];
    const copies = events.flatMap((event) => toCopy(event) ?? []);
    const replica = new Map<string, Copy>();
    for (const copy of random.shuffle([...copies, ...copies])) merge(replica, copy);
    return digest(replica.values()) === held.hash ? [] : [`${proc} holds something else than what it was told`];
  });
}

/** Cursors: a client is told of every change after its start, in order; only a reload may leave some out. */
export function cursorsAdvance(history: readonly Event[], state: State): string[] {
  return sessions(history).flatMap(([proc, events]) => {
    let cursor: number | undefined;
    return events.flatMap(({ op, change }) => {
      if (change === undefined) return [];
      const before = cursor;
      cursor = change;
      if (op === 'digest')
        return before === change && change <= state.head ? [] : [`${proc} stands at ${before} of ${change}`];
      const follows = op !== 'change' || (before !== undefined && change === before + 1);
      return follows ? [] : [`${proc} was told of change ${change} after ${before}`];
    });
  });
}

/** Convergence: soon after the last fault every client that is left holds exactly what the database holds. */
export function replicasConverge(history: readonly Event[], state: State): string[] {
  const expected = digest(state.messages.map(({ id, ...rest }) => ({ ...rest, message: id })));
  const lastFault = Math.max(0, ...history.filter(({ op }) => op === 'fault').map(({ mono }) => mono));
  return history
    .filter(({ op }) => op === 'digest')
    .flatMap(({ proc, hash, mono }) => [
      ...(hash === expected ? [] : [`${proc} holds something else than the database`]),
      ...(lastFault > 0 && mono - lastFault > RECOVERY ? [`${proc} needed ${Math.round(mono - lastFault)} ms`] : []),
    ]);
}
