import * as v from 'valibot';
import type { Message } from '../protocol/model.ts';
import { localEndpoint, wellKnownEndpoints } from './localEndpoints.ts';
import { failureOf, ModelError } from './modelError.ts';
import { Endpoint, type EndpointPorts, openAiEndpoint } from './openAiEndpoint.ts';
import type { ModelInfo, ModelProvider } from './provider.ts';

/** How long the size of a model may be asked for before a reply, in ms. */
const PATIENCE = 5000;

/** What is on offer. */
export interface Offer {
  models: ModelInfo[];
  /** Why some providers offer nothing, in words for the user. */
  problems: string[];
}

/** A model with the provider that reaches it. */
export interface FoundModel {
  provider: ModelProvider;
  /** Most tokens that one request may carry; null when the provider does not say. */
  maxInputTokens: number | null;
}

/**
 * All providers of a window: the editor, the endpoints in the settings, and those that may run on this machine, unless
 * the settings name one like them.
 * @param endpoints the setting as the user wrote it; what is no {@link Endpoint} is left out
 */
export function modelProviders(editor: ModelProvider, endpoints: unknown, ports: EndpointPorts): ModelProvider[] {
  const settings = (Array.isArray(endpoints) ? endpoints : []).filter((one) => v.is(Endpoint, one));
  const providers = [editor, ...settings.map((endpoint) => openAiEndpoint(endpoint, ports))];
  const local = wellKnownEndpoints.map((endpoint) => localEndpoint(endpoint));
  return [...providers, ...local.filter(({ id }) => !providers.some((provider) => provider.id === id))];
}

/** All models on offer, those of a provider together. A provider that fails hides no other. */
export async function listModels(providers: readonly ModelProvider[], signal: AbortSignal): Promise<Offer> {
  const lists = await Promise.allSettled(providers.map((provider) => provider.models(signal)));
  signal.throwIfAborted();
  return {
    models: lists.flatMap((list) => (list.status === 'fulfilled' ? list.value : [])),
    problems: lists.flatMap((list) => (list.status === 'rejected' ? [failureOf(list.reason).message] : [])),
  };
}

/**
 * The model of a conversation, shared by being in its messages: the newest that one was written by, or asked of.
 * @returns its id; undefined before the first, and where only models of other programs have written
 */
export function modelOf(messages: readonly Message[], providers: readonly ModelProvider[]): string | undefined {
  const own = messages.filter(({ model, deletedAt }) => deletedAt === null && providerOf(model ?? '', providers));
  return own.at(-1)?.model ?? undefined;
}

/**
 * The model with this id. Its provider may not list it, or may not answer now: whoever asks the model will hear.
 * @throws {ModelError} `no-model` when nobody by that name is known here
 */
export async function findModel(
  providers: readonly ModelProvider[],
  modelId: string,
  signal: AbortSignal,
): Promise<FoundModel> {
  const provider = providerOf(modelId, providers);
  if (!provider) {
    throw new ModelError('no-model', `The model “${modelId}” is not available in this window. Choose another model.`);
  }
  const models = await provider.models(AbortSignal.any([signal, AbortSignal.timeout(PATIENCE)])).catch(() => []);
  signal.throwIfAborted();
  return { provider, maxInputTokens: models.find(({ id }) => id === modelId)?.maxInputTokens ?? null };
}

function providerOf(modelId: string, providers: readonly ModelProvider[]): ModelProvider | undefined {
  return providers.find(({ id }) => modelId.startsWith(`${id}/`));
}
