import type { Reason } from '../../protocol/errors.ts';
import type { Message } from '../../protocol/model.ts';
import type { PanelParams } from '../../protocol/panel.ts';
import { readParts } from '../../protocol/parts.ts';
import { usePanel } from './context.ts';

/** Failures that another model may not have. */
const ofTheModel: ReadonlySet<string> = new Set<Reason>(['no-model', 'refused', 'quota', 'too-large', 'model-failed']);

/** Why a reply is not whole, and what can be done. */
export function Outcome({ message }: { message: Message }) {
  const { api, replies, strings, report } = usePanel();
  const { failure, stopped } = readParts(message.parts);
  const run = (command: PanelParams<'runCommand'>['command']) => api.request('runCommand', { command }).catch(report);
  return (
    <div class="ending">
      <p class="outcome">{failure?.message ?? (stopped ? strings.stopped : strings.interrupted)}</p>
      {message.role === 'assistant' && !stopped && (
        <div class="actions">
          {replies.canAskAgain(message) && (
            <button type="button" class="secondary" onClick={() => replies.again(message).catch(report)}>
              {strings.retry}
            </button>
          )}
          {ofTheModel.has(failure?.reason ?? '') && (
            <button type="button" class="secondary" onClick={() => replies.selectModel().catch(report)}>
              {strings.chooseModel}
            </button>
          )}
          {failure?.reason === 'refused' && (
            <button type="button" class="secondary" onClick={() => run('devchat.setApiKey')}>
              {strings.setApiKey}
            </button>
          )}
        </div>
      )}
    </div>
  );
}
