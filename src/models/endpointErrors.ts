import { DevChatError, type Reason } from '../protocol/errors.ts';
import { isRecord, parseJson } from '../protocol/json.ts';

/** How much of a service's own words is shown, in characters. */
const MAX_WORDS = 300;

/** How much of a body is read for them, in bytes. */
const MAX_BODY = 64 * 1024;

const TOO_LARGE_CODES = ['context_length_exceeded', 'exceed_context_size_error'];
const QUOTA_CODES = ['insufficient_quota', 'rate_limit_exceeded'];

/** A service as its errors need it. */
export interface Service {
  name: string;
  host: string;
  /** Never shown, even where the service itself repeats it. */
  key: string | undefined;
}

/** What a service says about its failure. */
interface Complaint {
  /** HTTP status; NaN when there is none. */
  status: number;
  codes: ReadonlySet<unknown>;
  said: string;
  retryAfter?: string | null;
}

/** The error for an answer with a status other than success. */
export async function responseError(service: Service, response: Response): Promise<DevChatError> {
  // Whatever breaks while the reasons are read, the status alone says enough.
  const body = parseJson(await readText(response, MAX_BODY).catch(() => ''));
  const retryAfter = response.headers.get('retry-after');
  return complain(service, { status: response.status, codes: codesOf(body), said: wordsOf(body), retryAfter });
}

/** The error for what a service sends in the middle of an answer that began well; undefined when it is none. */
export function eventError(service: Service, event: unknown): DevChatError | undefined {
  if (!isRecord(event) || (!event['error'] && event['object'] !== 'error')) return undefined;
  const codes = codesOf(event);
  // Some put the status there that they should have answered with.
  const status = Number([...codes].find((code) => typeof code === 'number'));
  return complain(service, { status, codes, said: wordsOf(event) });
}

/** The error for a request that found nobody. */
export function unreachable({ name, host }: Service, cause: unknown): DevChatError {
  const text = `${name} cannot be reached at ${host}. Check that it is running and that you are online, then retry.`;
  return new DevChatError('offline', text, { cause });
}

/** The error for an answer that stopped before its end. */
export function cutOff({ name }: { name: string }, cause?: unknown): DevChatError {
  return new DevChatError('cut-off', `The connection to ${name} broke before the end of the answer. Retry.`, { cause });
}

/**
 * A body as text, of which no more than about so many bytes are read.
 * @throws what reading throws
 */
export async function readText(response: Response, maxBytes: number): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  let length = 0;
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    length += chunk.length;
    if (length > maxBytes) break;
  }
  return text + decoder.decode();
}

function complain(service: Service, complaint: Complaint): DevChatError {
  const reason = reasonFor(complaint);
  return new DevChatError(reason, `${advice(reason, service, complaint)}${quoted(complaint.said, service.key)}`);
}

function reasonFor({ status, codes }: Complaint): Reason {
  if (status === 413 || TOO_LARGE_CODES.some((code) => codes.has(code))) return 'too-large';
  if (status === 404 || codes.has('model_not_found')) return 'no-model';
  if (status === 429 || QUOTA_CODES.some((code) => codes.has(code))) return 'quota';
  return status === 401 || status === 403 ? 'refused' : 'model-failed';
}

function advice(reason: Reason, { name, host }: Service, { status, codes, retryAfter }: Complaint): string {
  switch (reason) {
    case 'refused':
      return `${name} refused the request. Check its API key, and whether the key may use this model, then retry.`;
    case 'no-model':
      return `${name} has no such model at ${host}. Choose another model, or check the address in the settings.`;
    case 'too-large':
      return 'This conversation is too long for the model. Attach less, start a new one, or choose another model.';
    case 'quota':
      return codes.has('insufficient_quota')
        ? `The quota at ${name} is used up. Check your plan there, or choose another model.`
        : `${name} takes no more requests at present. ${waitingTime(retryAfter)}`;
    default:
      return `${name} failed${status > 0 ? ` (HTTP ${status})` : ''}. Retry, or choose another model.`;
  }
}

/** What `Retry-After` says, which is a number of seconds or a date. */
function waitingTime(retryAfter: string | null | undefined): string {
  const seconds = retryAfter ? Number(retryAfter) : Number.NaN;
  const wait = Math.ceil(Number.isNaN(seconds) ? (Date.parse(retryAfter ?? '') - Date.now()) / 1000 : seconds);
  return wait > 0 && Number.isSafeInteger(wait) ? `Retry in ${wait} s.` : 'Retry in a while.';
}

/** The words of an error, wherever the various services put them. */
function wordsOf(body: unknown): string {
  if (!isRecord(body)) return '';
  const { error, message, detail } = body;
  const said = isRecord(error) ? error['message'] : (error ?? message ?? detail);
  return typeof said === 'string' ? said : '';
}

function quoted(said: string, key: string | undefined): string {
  const words = (key ? said.replaceAll(key, '…') : said).replace(/\s+/gu, ' ').trim();
  if (words === '') return '';
  return ` It says: “${words.length > MAX_WORDS ? `${words.slice(0, MAX_WORDS).toWellFormed()}…` : words}”`;
}

function codesOf(body: unknown): ReadonlySet<unknown> {
  const error = isRecord(body) && isRecord(body['error']) ? body['error'] : body;
  return new Set(isRecord(error) ? [error['code'], error['type']] : []);
}
