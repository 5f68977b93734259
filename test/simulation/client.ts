import type { Conversation, Message, StreamPiece } from '../../src/protocol/model.ts';
import type { FeedPage } from '../../src/sync/changeFeed.ts';
import { addPiece, type LiveText } from '../../src/views/webview/liveText.ts';
import type { Process } from './process.ts';
import type { ModelStore } from './store.ts';

type Row = Conversation | Message;

/** What a failed read waits for before it is tried again, in ms. */
const RETRY = 50;

/** A window's copy of everything, made of what its instance tells, as the clients of the product make it. */
export class Client {
  readonly #process: Process;
  #store: ModelStore;
  #rows = new Map<string, Row>();
  /** Rows that came while everything was being read. */
  #arrived: Row[] | undefined;
  #fetches = 0;
  #loads = 0;
  readonly #liveTexts = new Map<string, LiveText>();

  constructor(process: Process, store: ModelStore) {
    this.#process = process;
    this.#store = store;
    this.load(store);
  }

  /** False while the answer to a question is outstanding. */
  get isIdle(): boolean {
    return this.#arrived === undefined && this.#fetches === 0;
  }

  get size(): number {
    return this.#rows.size;
  }

  /** The row of a conversation or message, in the version that is known here. */
  row(id: string): Row | undefined {
    return this.#rows.get(id);
  }

  /** The text of a message that is being written, as far as it is shown here. */
  liveText(messageId: string): string {
    return this.#liveTexts.get(messageId)?.text ?? '';
  }

  /** Reads everything anew. */
  load(store: ModelStore): void {
    this.#store = store;
    const arrived: Row[] = [];
    this.#arrived = arrived;
    this.#fetches = 0;
    this.#loads++;
    this.#ask(
      ({ database }) => [...database.conversations.values(), ...database.messages.values()],
      (rows) => {
        this.#rows = new Map(rows.map((row) => [row.id, row]));
        this.#arrived = undefined;
        this.#liveTexts.clear();
        for (const row of arrived) this.#merge(row);
      },
    );
  }

  /** Takes in what came with changes, and asks for the messages that did not come along. */
  change({ changes, conversations, messages }: FeedPage): void {
    for (const row of [...conversations, ...messages]) this.#merge(row);
    const brought = new Set(messages.map(({ id }) => id));
    const missing = new Set(changes.flatMap(({ messageId }) => messageId ?? []).filter((id) => !brought.has(id)));
    if (missing.size === 0) return;
    this.#fetches++;
    this.#ask(
      ({ database }) => [...missing].flatMap((id) => database.messages.get(id) ?? []),
      (rows) => {
        this.#fetches--;
        for (const row of rows) this.#merge(row);
      },
    );
  }

  /** Shows a piece of a message that is being written. */
  piece(piece: StreamPiece): void {
    const row = this.#rows.get(piece.messageId);
    if (!row || !('content' in row) || row.status !== 'streaming') return;
    const shown = addPiece(this.#liveTexts.get(row.id), row.content, piece);
    if (shown) this.#liveTexts.set(row.id, shown);
  }

  #merge(row: Row): void {
    this.#arrived?.push(row);
    const known = this.#rows.get(row.id);
    if (!known || known.revision < row.revision) this.#rows.set(row.id, row);
  }

  /** Question, reading and answer are three moments; what is asked before a load is not answered after it. */
  #ask<T>(read: (store: ModelStore) => T, answer: (result: T) => void): void {
    const loads = this.#loads;
    const laterUnlessLoaded = (delay: number, action: () => void) =>
      this.#process.later(delay, () => {
        if (this.#loads === loads) action();
      });
    const attempt = () => {
      try {
        const result = this.#store.read(() => read(this.#store));
        laterUnlessLoaded(this.#process.machine.transit(), () => answer(result));
      } catch {
        laterUnlessLoaded(RETRY, attempt);
      }
    };
    laterUnlessLoaded(this.#process.machine.transit(), attempt);
  }
}
