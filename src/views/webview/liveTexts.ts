import { type Signal, signal } from '@preact/signals';
import type { Message, StreamPiece } from '../../protocol/model.ts';
import { isNext, joined } from '../../protocol/pieces.ts';
import { addPiece, type LiveText } from './liveText.ts';

/** How long the reader has the panel to himself, for each ms that a text took to render: long blocks take long. */
const RENDERING_SHARE = 3;

/** The texts of the messages that are being written, brought to the screen at most once per frame. */
export class LiveTexts {
  readonly #texts = new Map<string, Signal<LiveText | undefined>>();
  readonly #waiting = new Map<string, LiveText>();
  /** What has come behind a hole, until the stored text has grown over it. */
  readonly #ahead = new Map<string, StreamPiece>();
  readonly #nextFrame: (action: () => void) => void;
  #pauseMs = 0;

  constructor(nextFrame: (action: () => void) => void) {
    this.#nextFrame = nextFrame;
  }

  /** The text of a message as far as it is known: the stored one, or while it is being written the longer live one. */
  textOf({ id, status, content }: Message): string {
    const live = status === 'streaming' ? this.#signal(id).value?.text : undefined;
    return live && live.length > content.length ? live : content;
  }

  /**
   * Takes a piece; `stored` is the text of the message's row.
   * @returns false when there is a hole before it
   */
  add(piece: StreamPiece, stored: string): boolean {
    const { messageId } = piece;
    const known = this.#waiting.get(messageId) ?? this.#signal(messageId).peek();
    const before = this.#ahead.get(messageId);
    const newest = before && isNext(before, piece) ? joined(before, piece) : piece;
    const live = addPiece(known, stored, newest);
    const isWhole = live !== undefined && live.text.length >= newest.offset + newest.text.length;
    if (isWhole) this.#ahead.delete(messageId);
    else this.#ahead.set(messageId, newest);
    if (!live || live === known) return isWhole;
    if (this.#waiting.size === 0) setTimeout(() => this.#nextFrame(() => this.#show()), this.#pauseMs);
    this.#waiting.set(messageId, live);
    return isWhole;
  }

  /** Forgets what is no longer being written: the final row is the whole truth. */
  settle(messages: readonly Message[]): void {
    for (const { id, status } of messages) {
      if (status === 'streaming') continue;
      this.#texts.delete(id);
      this.#waiting.delete(id);
      this.#ahead.delete(id);
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
