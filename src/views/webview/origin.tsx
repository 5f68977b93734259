import { usePanel } from './context.ts';

/** Which agent has written the conversation, and how it goes on. */
export function Origin() {
  const { view, strings, api, report } = usePanel();
  const conversation = view.value?.conversation;
  if (!conversation?.agent) return null;
  const { id: conversationId, agent } = conversation;
  const resume = () =>
    api.request('runCommand', { command: 'devchat.continueInTerminal', conversationId }).catch(report);
  return (
    <div class="origin">
      <p title={agent.text}>
        {agent.text} · {strings.replyBranches}
      </p>
      {agent.isResumable && (
        <button type="button" class="secondary" onClick={resume}>
          {strings.continueInTerminal}
        </button>
      )}
    </div>
  );
}
