import { DevChatError, type Reason } from '../protocol/errors.ts';

/** Why a hub cannot be reached, by the code of the error. */
const unreachable: Record<string, string> = {
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'there is no such computer',
  EAI_AGAIN: 'its name cannot be resolved now',
  EHOSTUNREACH: 'there is no way to it',
  ENETUNREACH: 'there is no network',
  ECONNRESET: 'the connection was cut off',
  ETIMEDOUT: 'it does not answer',
};

/** What a hub's answer other than success means. */
const refusals: Record<number, { reason: Reason; text: string }> = {
  401: { reason: 'refused', text: 'does not accept the token. Ask for a new one, and connect again.' },
  403: { reason: 'refused', text: 'does not let this client in.' },
  404: { reason: 'not-found', text: 'has nothing at this path. Check the URL.' },
  429: { reason: 'quota', text: 'has too many sessions or requests of this token.' },
  503: { reason: 'offline', text: 'cannot reach its database.' },
};

/** The error of a connection that was not made. */
export function connectionError(url: URL, error: unknown): DevChatError {
  const { code, message } = rootOf(error);
  const known = unreachable[code];
  if (known)
    return new DevChatError('offline', `The hub at ${url.host} cannot be reached: ${known}.`, { cause: error });
  if (/CERT|TLS|SSL|SELF_SIGNED|ALTNAME|EPROTO|ISSUER/u.test(code) || /\bSSL\b/u.test(message)) {
    const text = `The hub at ${url.host} cannot be trusted: its certificate is not valid here (${code || message}).`;
    return new DevChatError('refused', text, { cause: error });
  }
  if (/time|abort/iu.test(`${code} ${message}`)) {
    return new DevChatError('timeout', `The hub at ${url.host} does not answer.`, { cause: error });
  }
  return new DevChatError('offline', `The hub at ${url.host} cannot be reached: ${message}.`, { cause: error });
}

/** The error of a connection or a request that the hub, or what stands in its place, has refused. */
export function statusError(url: URL, status: number): DevChatError {
  const refusal = refusals[status];
  if (refusal) return new DevChatError(refusal.reason, `The hub at ${url.host} ${refusal.text}`);
  return new DevChatError('bad-request', `What answers at ${url.host} is no hub (HTTP ${status}). Check the URL.`);
}

/** The innermost error, which names what has happened. */
function rootOf(error: unknown): { code: string; message: string } {
  const { cause, code = '', message = '' } = (error ?? {}) as { cause?: unknown; code?: string; message?: string };
  return cause instanceof Error ? rootOf(cause) : { code: String(code), message };
}
