import type { Message } from '../../protocol/model.ts';
import type { Timers } from '../../sync/chat/timers.ts';
import { mergeRanges, type SeqRange, subtractRanges, toRanges } from '../../sync/sequence.ts';

/** How long after a piece the next one counts as being on its way, in ms. */
const QUIET = 100;

/** How long a row is put off at most, in ms: it also tells a wish to stop, and whether the hub has it. */
const LONGEST = 2000;

/** What the rows of growing messages need to know, and whom they tell. */
export interface GrowingRowsPorts {
  /** The rows that are shown of a conversation. */
  rows(conversationId: string): readonly Message[];
  /** Called with the numbers whose rows are to be asked for now. */
  due(conversationId: string, numbers: readonly SeqRange[]): void;
  timers: Timers;
}

/**
 * Puts off asking for the rows of messages while their pieces come without a hole: the stored text says less than they do,
 * and a long one would be read, sent and compared twice a second. They are asked for as soon as no more pieces come, and
 * now and then meanwhile.
 */
export class GrowingRows {
  readonly #ports: GrowingRowsPorts;
  /** By message, what forgets that it grows. */
  readonly #growing = new Map<string, () => void>();
  readonly #waiting = new Map<string, { numbers: readonly SeqRange[]; cancel: () => void }>();

  constructor(ports: GrowingRowsPorts) {
    this.#ports = ports;
  }

  /** Takes note of a piece; `isWhole` says that there is no hole before it. */
  grows(messageId: string, isWhole: boolean): void {
    this.#growing.get(messageId)?.();
    if (isWhole)
      this.#growing.set(
        messageId,
        this.#ports.timers.after(QUIET, () => this.#ended(messageId)),
      );
    else this.#ended(messageId);
  }

  /** Puts off those of the numbers that can wait; returns the others. */
  putOff(conversationId: string, numbers: readonly SeqRange[]): readonly SeqRange[] {
    if (numbers.length === 0) return numbers;
    const { rows, timers } = this.#ports;
    const growing = rows(conversationId).filter(({ id, status }) => status === 'streaming' && this.#growing.has(id));
    const due = subtractRanges(numbers, toRanges(growing.map(({ seq }) => seq)));
    const later = subtractRanges(numbers, due);
    if (later.length === 0) return due;
    const before = this.#waiting.get(conversationId);
    const cancel = before?.cancel ?? timers.after(LONGEST, () => this.#ask(conversationId, this.#take(conversationId)));
    this.#waiting.set(conversationId, { numbers: mergeRanges(before?.numbers ?? [], later), cancel });
    return due;
  }

  #ended(messageId: string): void {
    if (!this.#growing.delete(messageId)) return;
    for (const conversationId of [...this.#waiting.keys()])
      this.#ask(conversationId, this.putOff(conversationId, this.#take(conversationId)));
  }

  #take(conversationId: string): readonly SeqRange[] {
    const waiting = this.#waiting.get(conversationId);
    waiting?.cancel();
    this.#waiting.delete(conversationId);
    return waiting?.numbers ?? [];
  }

  #ask(conversationId: string, due: readonly SeqRange[]): void {
    if (due.length > 0) this.#ports.due(conversationId, due);
  }
}
