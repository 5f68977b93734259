import { type Endpoint, openAiEndpoint } from './openAiEndpoint.ts';
import type { ModelProvider } from './provider.ts';

/** Where programs that run models listen on one's own machine, unless they are told otherwise. */
export const wellKnownEndpoints: readonly Endpoint[] = [
  { name: 'Ollama', baseUrl: 'http://127.0.0.1:11434/v1' },
  { name: 'LM Studio', baseUrl: 'http://127.0.0.1:1234/v1' },
  { name: 'Local 8000', baseUrl: 'http://127.0.0.1:8000/v1' },
  { name: 'Local 8080', baseUrl: 'http://127.0.0.1:8080/v1' },
];

/** How long a program on this machine may take to list its models, in ms. */
const PATIENCE = 500;

/** An endpoint that may be there or not: while it is not, it offers no models. It is never sent a key. */
export function localEndpoint(endpoint: Endpoint, patience = PATIENCE): ModelProvider {
  const provider = openAiEndpoint(endpoint, { keyFor: async () => undefined });
  return {
    ...provider,
    models: (signal) =>
      provider.models(AbortSignal.any([signal, AbortSignal.timeout(patience)])).catch(() => {
        signal.throwIfAborted();
        // Nobody listens there, or somebody else does: the user has named neither, and need not hear of it.
        return [];
      }),
  };
}
