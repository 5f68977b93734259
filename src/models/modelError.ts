import { DevChatError, errorText, type Reason } from '../protocol/errors.ts';

/** Why a model did not answer to the end. Code decides on the reason, never on the text. */
export type ModelReason =
  /** The model, or the service at its address, is not there. */
  | 'no-model'
  /** The user or the service does not allow the request: consent, key, or content. */
  | 'refused'
  | 'quota'
  | 'offline'
  /** The answer ended before its end. */
  | 'cut-off'
  | 'too-large'
  | 'model-failed';

/** An error of a model or its service: its message says what happened and what to do. */
export class ModelError extends Error {
  readonly reason: ModelReason;

  constructor(reason: ModelReason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ModelError';
    this.reason = reason;
  }
}

/** What of a failure is stored with the reply that it ended. */
export interface ReplyFailure {
  reason: ModelReason | Reason;
  /** Says what happened and what to do. */
  message: string;
}

/** Any thrown value as a {@link ReplyFailure}; what is not ours becomes `unexpected`. */
export function failureOf(error: unknown): ReplyFailure {
  const reason = error instanceof ModelError || error instanceof DevChatError ? error.reason : 'unexpected';
  return { reason, message: errorText(error) };
}
