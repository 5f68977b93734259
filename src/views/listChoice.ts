import { EventEmitter } from 'node:events';
import type { ConversationFilter, Grouping } from './conversationGroups.ts';

/** Where a choice is kept, as in the editor's `Memento`. */
export interface ChoiceMemory {
  get(key: string): unknown;
  update(key: string, value: unknown): PromiseLike<void>;
}

const GROUPING = 'devchat.grouping';

/** How the user wants the conversations listed: the grouping is remembered, the filter ends with the window. */
export class ListChoice {
  readonly events = new EventEmitter<{ changed: [] }>();
  readonly #memory: ChoiceMemory;
  #grouping: Grouping;
  #filter: ConversationFilter = {};

  constructor(memory: ChoiceMemory) {
    this.#memory = memory;
    this.#grouping = memory.get(GROUPING) === 'source' ? 'source' : 'time';
  }

  get grouping(): Grouping {
    return this.#grouping;
  }

  get filter(): ConversationFilter {
    return this.#filter;
  }

  async groupBy(grouping: Grouping): Promise<void> {
    this.#grouping = grouping;
    this.events.emit('changed');
    await this.#memory.update(GROUPING, grouping);
  }

  filterBy(filter: ConversationFilter): void {
    this.#filter = filter;
    this.events.emit('changed');
  }
}
