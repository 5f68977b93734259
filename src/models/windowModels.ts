import { listModels, modelProviders, type Offer } from './catalog.ts';
import { editorModels } from './editorModels.ts';
import type { EndpointPorts } from './openAiEndpoint.ts';
import { Replies, type ReplyPorts } from './replies.ts';

/** What the models of a window need of it. */
export interface WindowPorts extends Omit<ReplyPorts, 'providers'>, Pick<EndpointPorts, 'keyFor'> {
  /** The endpoints in the settings as the user wrote them; asked whenever they are needed. */
  endpoints(): unknown;
}

/** The models of one window, and the replies that it runs. */
export interface WindowModels extends Pick<Replies, 'run' | 'stop' | 'dispose'> {
  list(): Promise<Offer>;
}

/** Wires providers and replies together. */
export function windowModels({ endpoints, keyFor, ...ports }: WindowPorts): WindowModels {
  const providers = () => modelProviders(editorModels, endpoints(), { keyFor });
  const replies = new Replies({ ...ports, providers });
  return {
    list: () => listModels(providers()),
    run: (request) => replies.run(request),
    stop: (reply) => replies.stop(reply),
    dispose: () => replies.dispose(),
  };
}
