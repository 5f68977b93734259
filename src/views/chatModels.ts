import type { Message } from '../protocol/model.ts';

/** A model that the user can choose. */
export interface ChatModel {
  id: string;
  name: string;
  /** Who offers it, in words for the user. */
  provider: string;
}

/** What is to be answered, by whom. */
export interface ReplyOrder {
  /** The user's message as it was stored. */
  question: Message;
  modelId: string;
  /** The answer, or failure, that this reply is another version of. */
  alternativeOf?: string;
}

/** The language models of a window, as its chat uses them. */
export interface ChatModels {
  /** All models on offer, and in words for the user why some providers offer none. */
  list(): Promise<{ models: readonly ChatModel[]; problems: readonly string[] }>;
  /**
   * Resolves when the reply has ended, well or not.
   * @throws {DevChatError} when the history cannot take it
   */
  run(order: ReplyOrder): Promise<void>;
  /** Stops a reply that any window runs. */
  stop(reply: Pick<Message, 'id' | 'conversationId' | 'seq'>): Promise<void>;
}
