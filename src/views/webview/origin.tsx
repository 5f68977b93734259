import type { Beginning } from '../../protocol/model.ts';
import { usePanel } from './context.ts';
import { fill } from './strings.ts';

/** Which agent has written the conversation, where it begins if it was forked, and how it goes on. */
export function Origin() {
  const { view, strings, api, report } = usePanel();
  const conversation = view.value?.conversation;
  if (!conversation?.agent) return null;
  const { id: conversationId, agent } = conversation;
  const { text, isResumable, beginsIn } = agent;
  const resume = () =>
    api.request('runCommand', { command: 'devchat.continueInTerminal', conversationId }).catch(report);
  const open = ({ conversationId, seq }: Beginning) =>
    api.request('runCommand', { command: 'devchat.openConversation', conversationId, seq }).catch(report);
  return (
    <div class="origin">
      <p title={text}>
        {text} · {strings.replyBranches}
      </p>
      {beginsIn && (
        <button type="button" class="secondary" onClick={() => open(beginsIn)}>
          {fill(strings.beginsIn, beginsIn.title)}
        </button>
      )}
      {isResumable && (
        <button type="button" class="secondary" onClick={resume}>
          {strings.continueInTerminal}
        </button>
      )}
    </div>
  );
}
