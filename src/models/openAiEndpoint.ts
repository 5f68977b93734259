import * as v from 'valibot';
import { DevChatError } from '../protocol/errors.ts';
import { parseJson } from '../protocol/json.ts';
import { modelIdOf, ownModelName } from '../protocol/modelId.ts';
import { cutOff, eventError, readText, responseError, type Service, unreachable } from './endpointErrors.ts';
import type { ModelInfo, ModelProvider, ReplyRequest } from './provider.ts';
import { eventData } from './serverSentEvents.ts';

/** A service that speaks OpenAI's chat completions, as the settings describe it. */
export const Endpoint = v.object({
  name: v.pipe(v.string(), v.nonEmpty()),
  /** `http://127.0.0.1:11434/v1`, for example; a bare host means its `/v1`. */
  baseUrl: v.string(),
  /** The models on offer, where the service does not list them. */
  models: v.optional(v.array(v.string())),
  /** Most tokens that one request may carry, where the service does not say. */
  maxInputTokens: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1))),
});
export type Endpoint = v.InferOutput<typeof Endpoint>;

/** What an endpoint needs of the program around it. */
export interface EndpointPorts {
  /** The API key for an origin. Asked by origin, so that no key goes anywhere but where it was entered for. */
  keyFor(origin: string): PromiseLike<string | undefined>;
  /** How long a service may stay silent, in ms. */
  patience?: number;
}

/** A model on one's own machine may load, and read a long prompt, for minutes before its first word; in ms. */
const PATIENCE = 300_000;

/** Longest list of models that is read, in bytes. */
const MAX_LIST = 4_000_000;

/** Share of a model's whole context that is left for its answer. */
const ANSWER_SHARE = 0.25;

/** The fields in which the various services tell the size of a model's context, in tokens. */
const ContextSize = v.object({
  max_model_len: v.optional(v.number()),
  context_length: v.optional(v.number()),
  max_context_length: v.optional(v.number()),
});

const ModelList = v.object({ data: v.array(v.intersect([v.object({ id: v.string() }), ContextSize])) });

const Chunk = v.object({
  choices: v.array(
    v.object({
      delta: v.optional(v.nullable(v.object({ content: v.optional(v.nullable(v.string())) }))),
      finish_reason: v.optional(v.nullable(v.string())),
    }),
  ),
});

/** The models of a service that speaks OpenAI's chat completions. */
export function openAiEndpoint(endpoint: Endpoint, { keyFor, patience = PATIENCE }: EndpointPorts): ModelProvider {
  const { name } = endpoint;
  const id = name.toLowerCase().replaceAll('/', '-');

  /** Sends one request; what comes back is a success. */
  async function request(path: string, init: RequestInit): Promise<{ service: Service; response: Response }> {
    const url = apiUrl(endpoint);
    const service = { name, host: url.host, key: usableKey(await keyFor(url.origin), endpoint) };
    url.pathname += path;
    const headers = {
      'content-type': 'application/json',
      ...(service.key && { authorization: `Bearer ${service.key}` }),
    };
    // A redirected POST would arrive as a GET, or take the conversation to another host.
    const response = await fetch(url, { ...init, headers, redirect: 'error' }).catch((error: unknown) => {
      init.signal?.throwIfAborted();
      throw unreachable(service, error);
    });
    if (!response.ok) throw await responseError(service, response);
    return { service, response };
  }

  async function models(signal: AbortSignal): Promise<ModelInfo[]> {
    const { models: named, maxInputTokens = null } = endpoint;
    if (named) return named.map((model) => ({ id: modelIdOf(id, model), name: model, provider: name, maxInputTokens }));
    const { response } = await request('/models', { signal });
    const list = v.safeParse(ModelList, parseJson(await readText(response, MAX_LIST)));
    if (!list.success) throw notOpenAi(endpoint);
    return list.output.data.map((model) => ({
      id: modelIdOf(id, model.id),
      name: model.id,
      provider: name,
      maxInputTokens: maxInputTokens ?? inputShare(model),
    }));
  }

  async function* reply({ modelId, messages }: ReplyRequest, signal: AbortSignal): AsyncGenerator<string> {
    const silence = new AbortController();
    const timer = setTimeout(() => silence.abort(), patience);
    try {
      const body = JSON.stringify({ model: ownModelName(modelId), messages, stream: true });
      const either = AbortSignal.any([signal, silence.signal]);
      const { service, response } = await request('/chat/completions', { method: 'POST', body, signal: either });
      if (!response.headers.get('content-type')?.startsWith('text/event-stream')) throw notOpenAi(endpoint);
      yield* piecesOf(service, eventData(chunksOf(service, response, () => timer.refresh())));
    } catch (error) {
      signal.throwIfAborted();
      throw silence.signal.aborted ? cutOff(endpoint, error) : error;
    } finally {
      clearTimeout(timer);
    }
  }

  return { id, name, models, reply };
}

/** The chunks of a body; `seen` is called with each, and a broken connection becomes an error of ours. */
async function* chunksOf(service: Service, response: Response, seen: () => void): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of response.body ?? []) {
      seen();
      yield chunk;
    }
  } catch (error) {
    throw cutOff(service, error);
  }
}

/** The text in the events of one answer, up to its end; what some send after that is about accounts. */
async function* piecesOf(service: Service, events: AsyncIterable<string>): AsyncGenerator<string> {
  for await (const data of events) {
    if (data === '[DONE]') return;
    // A sign of life.
    if (data === '') continue;
    const { text, end } = readChunk(service, data);
    if (text) yield text;
    if (end === 'length') throw new DevChatError('cut-off', 'The model reached its limit. Ask it to go on.');
    if (end === 'content_filter') throw new DevChatError('refused', `${service.name} withheld the rest of the answer.`);
    if (end) return;
  }
  throw cutOff(service);
}

function readChunk(service: Service, data: string): { text: string; end: string } {
  const event = parseJson(data);
  const failure = eventError(service, event);
  if (failure) throw failure;
  const chunk = v.safeParse(Chunk, event);
  if (!chunk.success) throw new DevChatError('model-failed', `The answer of ${service.name} cannot be read. Retry.`);
  const [choice] = chunk.output.choices;
  return { text: choice?.delta?.content ?? '', end: choice?.finish_reason ?? '' };
}

function inputShare(model: v.InferOutput<typeof ContextSize>): number | null {
  const context = model.max_model_len ?? model.context_length ?? model.max_context_length;
  return context === undefined ? null : Math.floor(context * (1 - ANSWER_SHARE));
}

/**
 * The address that paths are appended to.
 * @throws {DevChatError} `no-model` for what is no such address; it is not quoted, for it may hold a password
 */
function apiUrl({ name, baseUrl }: Endpoint): URL {
  const url = URL.parse(baseUrl);
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password || url.search || url.hash) {
    throw new DevChatError(
      'no-model',
      `The address of ${name} in the settings is not usable: give it as https://host/v1, without password or query.`,
    );
  }
  url.pathname = url.pathname === '/' ? '/v1' : url.pathname.replace(/\/$/u, '');
  return url;
}

/**
 * The key as it can be sent.
 * @throws {DevChatError} `refused` for what is no key; the error of `fetch` would quote it
 */
function usableKey(key: string | undefined, { name }: Endpoint): string | undefined {
  if (!key || /^[\x21-\x7e]+$/u.test(key)) return key || undefined;
  throw new DevChatError('refused', `The API key of ${name} has characters that no key has. Enter it again.`);
}

function notOpenAi({ name }: Endpoint): DevChatError {
  const text = `${name} does not answer like an OpenAI-compatible service. Its address in the settings mostly ends in /v1.`;
  return new DevChatError('model-failed', text);
}
