import type { State } from '../history/state.ts';

/** Uniqueness, of the rows: one row per message, one message per number. */
export function rowsAreUnique(state: State): string[] {
  return [
    ...repeated(state.messages.map(({ id }) => id)).map((id) => `message ${id} has two rows`),
    ...repeated(state.messages.map(({ conversation, seq }) => `${conversation} ${seq}`)).map(
      (place) => `two messages have the number ${place}`,
    ),
  ];
}

/** Atomicity: a row, its log entries and its search entry come together or not at all. */
export function commitsAreWhole(state: State): string[] {
  const rows = new Map(state.messages.map((message) => [message.id, message]));
  const logged = new Set(state.log.map(({ message, revision }) => `${message} ${revision}`));
  const indexed = new Set(state.indexed);
  const isWhole = state.prunedThrough === 0;
  const findings: string[] = [];
  for (const { id, revision, isDeleted, streamed } of state.messages) {
    for (let each = 1; isWhole && each <= revision; each++) {
      if (!logged.has(`${id} ${each}`)) findings.push(`revision ${each} of message ${id} has no log entry`);
    }
    if (!isDeleted && streamed === null && !indexed.has(id)) findings.push(`message ${id} is not in the search index`);
    if (isDeleted && indexed.has(id)) findings.push(`message ${id} is deleted, but in the search index`);
  }
  for (const { id, message, revision } of state.log) {
    if (message !== null && !((rows.get(message)?.revision ?? 0) >= revision)) {
      findings.push(`log entry ${id} tells of revision ${revision} of message ${message}, which is not there`);
    }
  }
  const created = new Set(
    state.log.filter((one) => one.changeType === 'ConversationCreated').map((one) => one.conversation),
  );
  const untold = isWhole ? state.conversations.filter(({ id }) => !created.has(id)) : [];
  return [...findings, ...untold.map(({ id }) => `conversation ${id} has no log entry`)];
}

/** Gap-free numbers: log ids rise without a gap after what was pruned; numbers of messages run from 1 without a gap. */
export function numbersAreGapFree(state: State): string[] {
  const findings: string[] = [];
  let previous = state.prunedThrough;
  for (const { id } of state.log) {
    if (id !== previous + 1) findings.push(`log entry ${previous} is followed by ${id}`);
    previous = id;
  }
  if (previous !== state.head) findings.push(`the newest log entry is ${previous}, but ${state.head} were given`);
  const numbers = Map.groupBy(state.messages, ({ conversation }) => conversation);
  for (const { id, lastSeq } of state.conversations) {
    const held = (numbers.get(id) ?? []).map(({ seq }) => seq).sort((a, b) => a - b);
    const isGapFree = held.length === lastSeq && held.every((seq, index) => seq === index + 1);
    if (!isGapFree) findings.push(`conversation ${id} says ${lastSeq}, but holds ${held.length}: ${ends(held)}`);
  }
  return findings;
}

/** Sound file: SQLite's checks of the file, of the references and of the search index find nothing. */
export function fileIsSound(state: State): string[] {
  return state.problems;
}

function ends(numbers: readonly number[]): string {
  return numbers.length > 6
    ? `${numbers.slice(0, 3).join(', ')} … ${numbers.slice(-3).join(', ')}`
    : numbers.join(', ');
}

function repeated(keys: readonly string[]): string[] {
  const seen = new Set<string>();
  return keys.filter((key) => seen.size === seen.add(key).size);
}
