import type { StreamPiece } from '../../protocol/model.ts';

/** The text of one message as far as its pieces have told. */
export interface LiveText {
  runId: string;
  text: string;
}

/**
 * Adds a piece to what is known: to earlier pieces of the same run, else to the stored text. A piece that came before
 * changes nothing, and one that leaves a hole neither: the stored text will catch up.
 */
export function addPiece(known: LiveText | undefined, stored: string, piece: StreamPiece): LiveText | undefined {
  const text = known?.runId === piece.runId && known.text.length >= stored.length ? known.text : stored;
  const end = piece.offset + piece.text.length;
  if (piece.offset > text.length || end <= text.length) return known;
  return { runId: piece.runId, text: text.slice(0, piece.offset) + piece.text };
}
