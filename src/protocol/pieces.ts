import type { StreamPiece } from './model.ts';

/** Whether a piece begins where another one of the same run ends. */
export function isNext(before: StreamPiece, piece: StreamPiece): boolean {
  return before.runId === piece.runId && before.offset + before.text.length === piece.offset;
}

/** Two pieces as one, of which the second {@link isNext}. */
export function joined(before: StreamPiece, piece: StreamPiece): StreamPiece {
  return { ...before, text: before.text + piece.text };
}
