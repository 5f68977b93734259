/** A model that can answer. */
export interface ModelInfo {
  /** `provider/model`: the same in every window, and stored with each message that the model wrote. */
  id: string;
  name: string;
  /** Who offers it, in words for the user. */
  provider: string;
  /** Most tokens that one request may carry; null when the provider does not say. */
  maxInputTokens: number | null;
}

/** One turn of what is sent to a model. */
export interface PromptMessage {
  role: 'system' | 'user' | 'assistant';
  content: string;
}

/** What a model is asked. */
export interface ReplyRequest {
  /** {@link ModelInfo.id} */
  modelId: string;
  messages: readonly PromptMessage[];
}

/** Where models come from: the editor, or a service with an address. */
export interface ModelProvider {
  /** First part of the ids of its models; without a slash. */
  readonly id: string;
  readonly name: string;
  /**
   * The models on offer.
   * @throws {DevChatError} `refused`, `quota`, `offline`, `model-failed`
   */
  models(signal: AbortSignal): Promise<ModelInfo[]>;
  /**
   * The pieces of the answer's text as they come. Aborting the signal ends the request and throws its reason.
   * @throws {DevChatError}
   */
  reply(request: ReplyRequest, signal: AbortSignal): AsyncIterable<string>;
}
