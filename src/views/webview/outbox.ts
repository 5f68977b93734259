import { type ReadonlySignal, signal } from '@preact/signals';
import { DevChatError, type Reason, type SerialisedError, serialiseError } from '../../protocol/errors.ts';
import type { Message } from '../../protocol/model.ts';
import type { PanelState } from '../../protocol/panel.ts';

/** A message handed over but not acknowledged. */
export type OutboxEntry = PanelState['outbox'][number];

/** Failures that pass by themselves when the instance is back, or can save again. */
const passing: ReadonlySet<Reason> = new Set<Reason>([
  'instance-stopped',
  'not-initialized',
  'timeout',
  'disk-full',
  'read-only',
]);
const RETRY_MS = 2000;

/** Where an outbox keeps its entries and how it hands them over. */
export interface OutboxOptions {
  /** Entries oldest first, kept across reloads. */
  entries: ReadonlySignal<OutboxEntry[]>;
  setEntries: (entries: OutboxEntry[]) => void;
  send: (entry: OutboxEntry) => Promise<Message>;
  isReady: () => boolean;
  onStored: (message: Message) => void;
}

/** Hands messages over in the order written and keeps each until it is known to be stored. */
export class Outbox {
  readonly #options: OutboxOptions;
  readonly #failures = signal<ReadonlyMap<string, SerialisedError>>(new Map());
  readonly #inFlight = new Set<string>();
  readonly #own = new Set<string>();
  #retry: ReturnType<typeof setTimeout> | undefined;
  readonly entries: ReadonlySignal<OutboxEntry[]>;
  /** Why an entry was not stored, by message id. */
  readonly failures: ReadonlySignal<ReadonlyMap<string, SerialisedError>> = this.#failures;

  constructor(options: OutboxOptions) {
    this.#options = options;
    this.entries = options.entries;
  }

  add(entry: OutboxEntry): void {
    this.#options.setEntries([...this.entries.value, entry]);
    this.flush();
  }

  /** Sends all that waits, in order; repeating a send is harmless, because its ids stay the same. */
  flush(): void {
    clearTimeout(this.#retry);
    for (const entry of this.entries.value) {
      const failure = this.#failures.value.get(entry.messageId);
      if (!failure || passing.has(failure.reason)) void this.#post(entry);
    }
  }

  /** Sends one entry again, whatever its failure was. */
  retry(entry: OutboxEntry): void {
    void this.#post(entry);
  }

  /** Forgets entries that are stored, or given back to the writer. */
  remove(messageIds: Iterable<string>): void {
    const gone = new Set(messageIds);
    if (!this.entries.value.some(({ messageId }) => gone.has(messageId))) return;
    this.#options.setEntries(this.entries.value.filter(({ messageId }) => !gone.has(messageId)));
  }

  /** True for a message that was written in this panel since it was loaded. */
  isOwn(messageId: string): boolean {
    return this.#own.has(messageId);
  }

  async #post(entry: OutboxEntry): Promise<void> {
    const { messageId } = entry;
    if (this.#inFlight.has(messageId)) return;
    this.#inFlight.add(messageId);
    this.#own.add(messageId);
    this.#setFailure(messageId, null);
    try {
      const message = await this.#options.send(entry);
      this.remove([messageId]);
      this.#options.onStored(message);
    } catch (error) {
      this.#setFailure(messageId, serialiseError(error));
      if (error instanceof DevChatError && passing.has(error.reason) && this.#options.isReady()) this.#retryLater();
    } finally {
      this.#inFlight.delete(messageId);
    }
  }

  #retryLater(): void {
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.flush(), RETRY_MS);
  }

  #setFailure(messageId: string, failure: SerialisedError | null): void {
    if (!failure && !this.#failures.value.has(messageId)) return;
    const failures = new Map(this.#failures.value);
    if (failure) failures.set(messageId, failure);
    else failures.delete(messageId);
    this.#failures.value = failures;
  }
}
