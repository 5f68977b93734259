import {
  CancellationTokenSource,
  type LanguageModelChat,
  LanguageModelChatMessage,
  LanguageModelError,
  LanguageModelTextPart,
  l10n,
  lm,
} from 'vscode';
import { DevChatError, type Reason } from '../protocol/errors.ts';
import { modelIdOf, ownModelName } from '../protocol/modelId.ts';
import type { ModelProvider, PromptMessage, ReplyRequest } from './provider.ts';
import { untilAborted } from './untilAborted.ts';

const PROVIDER = 'editor';

/** What the editor's error codes mean. */
const reasons: Record<string, Reason> = {
  [LanguageModelError.NoPermissions.name]: 'refused',
  [LanguageModelError.Blocked.name]: 'quota',
  [LanguageModelError.NotFound.name]: 'no-model',
};

/** The chat models that installed extensions offer to others. The editor asks for consent at the first request. */
export const editorModels: ModelProvider = {
  id: PROVIDER,
  name: l10n.t('Editor'),
  models: async () =>
    (await lm.selectChatModels()).map((model) => ({
      id: idOf(model),
      name: model.name,
      provider: model.vendor,
      maxInputTokens: model.maxInputTokens,
    })),
  // The editor may wait for consent, and an extension need not listen to a cancellation.
  reply: (request, signal) => untilAborted(answer(request, signal), signal),
};

async function* answer({ modelId, messages }: ReplyRequest, signal: AbortSignal): AsyncGenerator<string> {
  const cancellation = new CancellationTokenSource();
  const cancel = () => cancellation.cancel();
  signal.addEventListener('abort', cancel);
  try {
    const model = (await lm.selectChatModels()).find((one) => idOf(one) === modelId);
    if (!model) throw LanguageModelError.NotFound();
    const justification = l10n.t('DevChat sends your message, and what you attach to it, to this model.');
    const turns = messages.map(toEditorMessage);
    const response = await model.sendRequest(turns, { justification }, cancellation.token);
    for await (const part of response.stream) if (part instanceof LanguageModelTextPart) yield part.value;
  } catch (error) {
    throw explain(error, ownModelName(modelId));
  } finally {
    signal.removeEventListener('abort', cancel);
    // Ends the request, too, when nobody wants the rest.
    cancellation.cancel();
    cancellation.dispose();
  }
}

function idOf({ vendor, id }: LanguageModelChat): string {
  return modelIdOf(PROVIDER, `${vendor}/${id}`);
}

/** The editor knows no system messages; those of a conversation go out as the user's. */
function toEditorMessage({ role, content }: PromptMessage): LanguageModelChatMessage {
  return role === 'assistant' ? LanguageModelChatMessage.Assistant(content) : LanguageModelChatMessage.User(content);
}

function explain(error: unknown, model: string): DevChatError {
  const { code = '', message = '' } =
    error instanceof LanguageModelError ? error : (error as Error & { code?: string });
  const reason = reasons[code] ?? 'model-failed';
  const advice: Partial<Record<Reason, string>> = {
    refused: l10n.t('The editor does not allow DevChat to use {0}. Allow it when asked, then retry.', model),
    quota: l10n.t('{0} takes no more requests at present. Retry later, or choose another model.', model),
    'no-model': l10n.t('{0} is not there any more. Choose another model.', model),
  };
  const text = advice[reason] ?? l10n.t('{0} failed. Retry, or choose another model.', model);
  return new DevChatError(reason, message ? `${text} ${l10n.t('It says: “{0}”', message)}` : text, { cause: error });
}
