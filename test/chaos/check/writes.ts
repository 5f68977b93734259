import { textHash } from '../history/digest.ts';
import type { Event } from '../history/event.ts';
import type { State } from '../history/state.ts';

/** How long any operation may take, in ms. */
const PATIENCE = 30_000;

const writes = new Set<Event['op']>(['add', 'update', 'delete', 'stream']);

/** How many writes of messages and conversations were acknowledged. */
export function acknowledgements(history: readonly Event[]): number {
  return history.filter(({ op, result }) => result === 'ok' && (op === 'create' || writes.has(op))).length;
}
const emptyText = textHash('');

/** Durability: what was acknowledged is there, what was refused is not. */
export function acknowledgedIsStored(history: readonly Event[], state: State): string[] {
  const rows = new Map(state.messages.map((message) => [message.id, message]));
  const conversations = new Set(state.conversations.map(({ id }) => id));
  const accepted = new Set(history.filter(({ op, result }) => op === 'add' && result !== 'fail').map((e) => e.message));
  return history.flatMap((event) => {
    const { op, result, message = '', conversation = '', revision = 0, seq, hash, isDeleted } = event;
    if (op === 'create') {
      return result === 'ok' && !conversations.has(conversation) ? [`conversation ${conversation} is lost`] : [];
    }
    if (!writes.has(op)) return [];
    const row = rows.get(message);
    if (result === 'fail') {
      const isThere = op === 'add' ? row && !accepted.has(message) : op === 'update' && row?.hash === hash;
      return isThere ? [`the ${op} of message ${message} was refused, but is there`] : [];
    }
    if (result === 'info') return [];
    if (!row || row.revision < revision) return [`the ${op} of message ${message} was acknowledged, but is lost`];
    if (row.seq !== seq) return [`message ${message} was acknowledged as ${seq}, but is ${row.seq}`];
    if (isDeleted && !row.isDeleted) return [`message ${message} was deleted, but is back`];
    const isLast = row.revision === revision;
    return isLast && row.hash !== hash ? [`message ${message} was acknowledged with another text`] : [];
  });
}

/** No fabrication: every text that is stored, or was seen by anyone, is one that somebody wrote. */
export function textsAreGenuine(history: readonly Event[], state: State): string[] {
  const written = new Set<string>();
  const streams = new Set<string>();
  for (const { op, message = '', hash, result } of history) {
    if (op === 'stream') streams.add(message);
    else if (writes.has(op) && result !== 'fail') written.add(`${message} ${hash}`);
  }
  const isGenuine = (message: string, hash: string | undefined, isDeleted: boolean | undefined) =>
    streams.has(message) || written.has(`${message} ${hash}`) || (isDeleted === true && hash === emptyText);
  return [
    ...state.messages
      .filter(({ id, hash, isDeleted }) => !isGenuine(id, hash, isDeleted))
      .map(({ id }) => `message ${id} holds a text that nobody wrote`),
    ...history
      .filter(({ op }) => op === 'read' || op === 'row')
      .filter(({ message = '', hash, isDeleted }) => !isGenuine(message, hash, isDeleted))
      .map(({ proc, message }) => `${proc} was shown a text of message ${message} that nobody wrote`),
  ];
}

/** Order of each author: what one author sends to one conversation keeps its order. */
export function authorsKeepTheirOrder(history: readonly Event[], state: State): string[] {
  const rows = new Map(state.messages.map((message) => [message.id, message]));
  const sent = history.filter(({ op, result }) => (op === 'add' || op === 'stream') && result !== 'fail');
  const byAuthor = Map.groupBy(sent, ({ proc, conversation }) => `${proc} ${conversation}`);
  return [...byAuthor].flatMap(([author, events]) => {
    const numbers = events
      .toSorted((a, b) => a.mono - b.mono)
      .flatMap(({ message = '' }) => rows.get(message)?.seq ?? []);
    const wrong = numbers.findIndex((seq, index) => seq < (numbers[index - 1] ?? 0));
    return wrong < 0 ? [] : [`${author}: ${numbers[wrong - 1]} was sent before ${numbers[wrong]}`];
  });
}

/** Operations end: every operation ends in time, and every refusal says why in a word that a program can act on. */
export function operationsEnd(history: readonly Event[]): string[] {
  return history.flatMap(({ op, proc, took, result, reason = 'unexpected' }) => [
    ...(took > PATIENCE ? [`${op} of ${proc} took ${Math.round(took)} ms`] : []),
    ...(result === 'fail' && reason === 'unexpected' ? [`${op} of ${proc} failed without a reason`] : []),
  ]);
}
