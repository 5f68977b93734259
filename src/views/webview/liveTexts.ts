import { type ReadonlySignal, type Signal, signal } from '@preact/signals';
import type { Message, StreamPiece } from '../../protocol/model.ts';

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

/** The texts of the messages that are being written, brought to the screen at most once per frame. */
export class LiveTexts {
  readonly #texts = new Map<string, Signal<LiveText | undefined>>();
  readonly #waiting = new Map<string, LiveText>();

  /** The live text of a message; undefined while nothing of it has come. */
  of(messageId: string): ReadonlySignal<LiveText | undefined> {
    return this.#signal(messageId);
  }

  /** Takes a piece; `stored` is the text of the message's row. */
  add(piece: StreamPiece, stored: string): void {
    const { messageId } = piece;
    const known = this.#waiting.get(messageId) ?? this.#signal(messageId).peek();
    const live = addPiece(known, stored, piece);
    if (!live || live === known) return;
    if (this.#waiting.size === 0) requestAnimationFrame(() => this.#show());
    this.#waiting.set(messageId, live);
  }

  /** Forgets what is no longer being written: the final row is the whole truth. */
  settle(messages: readonly Message[]): void {
    for (const { id, status } of messages) {
      if (status === 'streaming') continue;
      this.#texts.delete(id);
      this.#waiting.delete(id);
    }
  }

  #show(): void {
    for (const [messageId, live] of this.#waiting) this.#signal(messageId).value = live;
    this.#waiting.clear();
  }

  #signal(messageId: string): Signal<LiveText | undefined> {
    let text = this.#texts.get(messageId);
    if (!text) {
      text = signal<LiveText | undefined>(undefined);
      this.#texts.set(messageId, text);
    }
    return text;
  }
}
