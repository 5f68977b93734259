import * as v from 'valibot';
import { DevChatError, serialiseError } from '../protocol/errors.ts';
import { localEndpoint, wellKnownEndpoints } from './localEndpoints.ts';
import { Endpoint, type EndpointPorts, openAiEndpoint } from './openAiEndpoint.ts';
import type { ModelInfo, ModelProvider } from './provider.ts';

/** How long a service may take to list its models, in ms. */
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

/** All models on offer, those of a provider together. A provider that fails, or is slow, hides no other. */
export async function listModels(providers: readonly ModelProvider[], patience = PATIENCE): Promise<Offer> {
  const lists = await Promise.allSettled(providers.map((provider) => modelsInTime(provider, patience)));
  return {
    models: lists.flatMap((list) => (list.status === 'fulfilled' ? list.value : [])),
    problems: lists.flatMap((list) => (list.status === 'rejected' ? [serialiseError(list.reason).message] : [])),
  };
}

/**
 * The model with this id. Its provider may not list it, or may not answer now: whoever asks the model will hear.
 * @throws {DevChatError} `no-model` when nobody by that name is known here
 */
export async function findModel(
  providers: readonly ModelProvider[],
  modelId: string,
  signal: AbortSignal,
): Promise<FoundModel> {
  const provider = providerOf(modelId, providers);
  if (!provider) {
    throw new DevChatError('no-model', `The model “${modelId}” is not available in this window. Choose another model.`);
  }
  const models = await provider.models(AbortSignal.any([signal, AbortSignal.timeout(PATIENCE)])).catch(() => []);
  signal.throwIfAborted();
  return { provider, maxInputTokens: models.find(({ id }) => id === modelId)?.maxInputTokens ?? null };
}

async function modelsInTime(provider: ModelProvider, patience: number): Promise<ModelInfo[]> {
  const signal = AbortSignal.timeout(patience);
  try {
    return await provider.models(signal);
  } catch (error) {
    throw signal.aborted ? new DevChatError('timeout', `${provider.name} did not tell its models in time.`) : error;
  }
}

function providerOf(modelId: string, providers: readonly ModelProvider[]): ModelProvider | undefined {
  return providers.find(({ id }) => modelId.startsWith(`${id}/`));
}
