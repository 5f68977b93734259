import type { StreamPiece } from '../protocol/model.ts';
import type { PanelEvent } from '../protocol/panel.ts';

/** Tells a panel something; resolves when the panel's window has taken it. */
export type Post = (event: PanelEvent) => PromiseLike<unknown>;

/**
 * Passes pieces of streams on to a panel, one at a time: those that come while the window is busy with one go together
 * with the next, so that a fast stream does not queue up in front of a slow window.
 */
export class PieceFlow {
  readonly #post: Post;
  /** By message. */
  readonly #waiting = new Map<string, StreamPiece>();
  #isBusy = false;

  constructor(post: Post) {
    this.#post = post;
  }

  /** Takes a piece. One that leaves a hole replaces what waits: the message's row brings the rest. */
  add(piece: StreamPiece): void {
    const before = this.#waiting.get(piece.messageId);
    this.#waiting.set(piece.messageId, before && isNext(before, piece) ? joined(before, piece) : piece);
    if (!this.#isBusy) void this.#flow();
  }

  async #flow(): Promise<void> {
    this.#isBusy = true;
    for (const [messageId, piece] of this.#waiting) {
      this.#waiting.delete(messageId);
      await this.#post({ type: 'stream', piece }).then(undefined, () => {
        // The panel has gone; the next one begins with the message's row.
      });
    }
    this.#isBusy = false;
  }
}

function isNext(before: StreamPiece, piece: StreamPiece): boolean {
  return before.runId === piece.runId && before.offset + before.text.length === piece.offset;
}

function joined(before: StreamPiece, piece: StreamPiece): StreamPiece {
  return { ...before, text: before.text + piece.text };
}
