import { computed, signal } from '@preact/signals';
import type { PanelResults } from '../../protocol/panel.ts';
import { wordsOf } from './words.ts';

/** How a search reaches the history, and where it takes the reader. */
export interface FindPorts {
  search(conversationId: string, query: string): Promise<PanelResults['find']>;
  /** Number of the first message that the reader sees; null at the end. */
  place(conversationId: string): number | null;
  goTo(conversationId: string, seq: number): void;
  report(error: unknown): void;
}

/** The search within the conversation that is shown. */
export class Find {
  readonly isOpen = signal(false);
  readonly query = signal('');
  readonly #ports: FindPorts;
  readonly #hits = signal<PanelResults['find']>({ seqs: [], total: 0 });
  readonly #current = signal<number | null>(null);
  /** What the hits are those of. */
  #asked = { conversationId: '', query: '' };

  /** Messages that have the words; those that are known by number may be fewer. */
  readonly total = computed(() => this.#hits.value.total);
  /** The message that the reader was taken to. */
  readonly current = computed(() => (this.isOpen.value ? this.#current.value : null));
  /** Its place among the hits, from 1; 0 for none. */
  readonly position = computed(() => this.#hits.value.seqs.indexOf(this.#current.value ?? 0) + 1);
  /** The words to highlight. */
  readonly words = computed(() => (this.isOpen.value ? wordsOf(this.query.value) : []));

  constructor(ports: FindPorts) {
    this.#ports = ports;
  }

  /** Searches a conversation for what the query is now; goes to a hit if it is another search than before. */
  async search(conversationId: string): Promise<void> {
    const query = this.query.value.trim();
    const isNew = this.#asked.conversationId !== conversationId || this.#asked.query !== query;
    const asked = { conversationId, query };
    this.#asked = asked;
    try {
      const hits = query === '' ? { seqs: [], total: 0 } : await this.#ports.search(conversationId, query);
      // A slow answer to what was typed before must not replace a newer one.
      if (this.#asked !== asked) return;
      this.#hits.value = hits;
      if (isNew) this.#begin(conversationId);
    } catch (error) {
      this.#ports.report(error);
    }
  }

  /** Goes to the next hit, or with -1 to the one before; behind the last comes the first. */
  step(by: 1 | -1): void {
    const { seqs } = this.#hits.value;
    const { length } = seqs;
    if (length === 0) return;
    const from = this.position.value === 0 && by < 0 ? 0 : this.position.value - 1;
    this.#goTo(this.#asked.conversationId, seqs[(from + by + length) % length]);
  }

  close(): void {
    this.isOpen.value = false;
    this.#current.value = null;
    // Opened again, it begins where the reader is then.
    this.#asked = { conversationId: '', query: '' };
  }

  #begin(conversationId: string): void {
    const { seqs } = this.#hits.value;
    const place = this.#ports.place(conversationId);
    this.#goTo(conversationId, (place === null ? undefined : seqs.find((seq) => seq >= place)) ?? seqs.at(-1));
  }

  #goTo(conversationId: string, seq: number | undefined): void {
    this.#current.value = seq ?? null;
    if (seq !== undefined) this.#ports.goTo(conversationId, seq);
  }
}
