import { EventEmitter } from 'node:events';
import type { ChatController } from './chatController.ts';

/** The chats of a window: one in the view, and one in each chat editor. */
export class Chats {
  /** `selected` tells what the current chat shows, whenever that is something else. */
  readonly events = new EventEmitter<{ selected: [conversationId: string | null]; unsent: [] }>();
  /** The one in the view. */
  readonly view: ChatController;
  readonly #make: () => ChatController;
  readonly #editors = new Set<ChatController>();
  #current: ChatController;

  constructor(make: () => ChatController) {
    this.#make = make;
    this.view = this.#made();
    this.#current = this.view;
  }

  /** The chat that was used last: commands mean its conversation. */
  get current(): ChatController {
    return this.#current;
  }

  get all(): ChatController[] {
    return [this.view, ...this.#editors];
  }

  /** How many messages wait in the panels to be stored. */
  get unsent(): number {
    return this.all.reduce((sum, chat) => sum + chat.unsent, 0);
  }

  /** Makes the chat of another editor. */
  open(): ChatController {
    const chat = this.#made();
    this.#editors.add(chat);
    return chat;
  }

  /** Ends the chat of an editor. */
  close(chat: ChatController): void {
    this.#editors.delete(chat);
    chat.dispose();
    if (chat === this.#current) this.use(this.view);
  }

  /** Makes a chat the current one. */
  use(chat: ChatController): void {
    if (chat === this.#current) return;
    this.#current = chat;
    this.events.emit('selected', chat.selected);
  }

  #made(): ChatController {
    const chat = this.#make();
    chat.events.on('used', () => this.use(chat));
    chat.events.on('unsent', () => this.events.emit('unsent'));
    chat.events.on('selected', (id) => {
      if (chat === this.#current) this.events.emit('selected', id);
    });
    return chat;
  }
}
