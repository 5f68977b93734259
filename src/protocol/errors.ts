/** Why an operation failed. Code decides on the reason, never on the text. */
export type Reason =
  | 'bad-request'
  | 'not-initialized'
  | 'not-found'
  | 'deleted'
  | 'conflict'
  | 'too-large'
  | 'busy'
  | 'disk-full'
  | 'read-only'
  | 'corrupt'
  | 'database-replaced'
  | 'newer-database'
  | 'network-file-system'
  | 'unsupported-node'
  | 'unsupported-sqlite'
  | 'not-leader'
  | 'instance-stopped'
  | 'timeout'
  /** The model, or the service at its address, is not there. */
  | 'no-model'
  /** The user or the service does not allow the request: consent, key, or content. */
  | 'refused'
  | 'quota'
  | 'offline'
  /** A model’s answer ended before its end. */
  | 'cut-off'
  | 'model-failed'
  | 'unexpected';

/** An error that a user may see: its message says what happened and what to do. */
export class DevChatError extends Error {
  readonly reason: Reason;

  constructor(reason: Reason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'DevChatError';
    this.reason = reason;
  }
}

/** Whether an operation failed for one of these reasons. */
export function hasReason(error: unknown, ...reasons: readonly Reason[]): error is DevChatError {
  return error instanceof DevChatError && reasons.includes(error.reason);
}

/** What of an error crosses a process boundary. */
export interface SerialisedError {
  reason: Reason;
  message: string;
}

/** Any thrown value as a {@link SerialisedError}; what is not ours becomes `unexpected`. */
export function serialiseError(error: unknown): SerialisedError {
  if (error instanceof DevChatError) return { reason: error.reason, message: error.message };
  return { reason: 'unexpected', message: errorText(error) };
}

/** What a thrown value says of itself. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
