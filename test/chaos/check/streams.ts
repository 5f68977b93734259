import { textHash } from '../history/digest.ts';
import type { Event } from '../history/event.ts';
import type { State, StoredMessage } from '../history/state.ts';

/** Streams: a stream ends complete or interrupted, and holds its writer's pieces from the first one on. */
export function streamsAreWholePieces(history: readonly Event[], state: State): string[] {
  const rows = new Map(state.messages.map((message) => [message.id, message]));
  const piecesOf = (wanted: Event['op']) =>
    Map.groupBy(
      history.filter(({ op }) => op === wanted),
      ({ message = '' }) => message,
    );
  const [sent, seen] = [piecesOf('append'), piecesOf('piece')];
  return history
    .filter(({ op, result }) => op === 'stream' && result === 'ok')
    .flatMap(({ message = '' }) => {
      const row = rows.get(message);
      const pieces = sent.get(message) ?? [];
      if (!row || row.isDeleted) return [];
      return [...rowProblems(row, pieces), ...strangePieces(message, pieces, seen.get(message) ?? [])];
    });
}

function rowProblems({ id, status, streamed }: StoredMessage, sent: readonly Event[]): string[] {
  if (status !== 'complete' && status !== 'interrupted') return [`stream ${id} is left ${status}`];
  const held = streamed ?? '';
  let length = 0;
  for (const { offset = 0, text = '' } of inOrder(sent)) {
    if (length === held.length) break;
    if (offset !== length || !held.startsWith(text, offset)) {
      return [`stream ${id} does not hold its writer’s piece at ${offset}`];
    }
    length += text.length;
  }
  if (length !== held.length) return [`stream ${id} holds more than its writer sent`];
  const all = whole(sent).length;
  return status === 'complete' && length !== all ? [`stream ${id} is called complete at ${length} of ${all}`] : [];
}

/** What clients saw of a stream must be what its writer sent, one piece or several together. */
function strangePieces(message: string, sent: readonly Event[], seen: readonly Event[]): string[] {
  const text = whole(sent);
  return seen
    .filter(({ offset = 0, length = 0, hash }) => textHash(text.slice(offset, offset + length)) !== hash)
    .map(({ proc, offset }) => `${proc} saw a piece at ${offset} of stream ${message} that nobody sent`);
}

const inOrder = (sent: readonly Event[]) => sent.toSorted((a, b) => (a.offset ?? 0) - (b.offset ?? 0));

const whole = (sent: readonly Event[]) =>
  inOrder(sent)
    .map(({ text }) => text)
    .join('');
