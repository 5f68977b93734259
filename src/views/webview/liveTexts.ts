import { type ReadonlySignal, type Signal, signal } from '@preact/signals';
import type { Message, StreamPiece } from '../../protocol/model.ts';
import { addPiece, type LiveText } from './liveText.ts';

/** How long the reader has the panel to himself, for each ms that a text took to render: long blocks take long. */
const RENDERING_SHARE = 3;

/** The texts of the messages that are being written, brought to the screen at most once per frame. */
export class LiveTexts {
  readonly #texts = new Map<string, Signal<LiveText | undefined>>();
  readonly #waiting = new Map<string, LiveText>();
  #pauseMs = 0;

  /** The live text of a message; undefined while nothing of it has come. */
  of(messageId: string): ReadonlySignal<LiveText | undefined> {
    return this.#signal(messageId);
  }

  /**
   * Takes a piece; `stored` is the text of the message's row.
   * @returns false when there is a hole before it
   */
  add(piece: StreamPiece, stored: string): boolean {
    const { messageId } = piece;
    const known = this.#waiting.get(messageId) ?? this.#signal(messageId).peek();
    const live = addPiece(known, stored, piece);
    const isWhole = live !== undefined && live.text.length >= piece.offset + piece.text.length;
    if (!live || live === known) return isWhole;
    if (this.#waiting.size === 0) setTimeout(() => requestAnimationFrame(() => this.#show()), this.#pauseMs);
    this.#waiting.set(messageId, live);
    return isWhole;
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
    const began = performance.now();
    for (const [messageId, live] of this.#waiting) this.#signal(messageId).value = live;
    this.#waiting.clear();
    // Behind the rendering, and before the window turns to anything else, which is not to be counted.
    queueMicrotask(() => {
      this.#pauseMs = RENDERING_SHARE * (performance.now() - began);
    });
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
