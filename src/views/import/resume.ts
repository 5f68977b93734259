import type { Conversation } from '../../protocol/model.ts';

/** The ids that agents give to sessions; nothing else ever reaches a shell. */
const SESSION_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/iu;

/** What makes an agent go on with a session, by the source of its transcripts. */
const commands: Record<string, string> = {
  'claude-code': 'claude --resume',
  codex: 'codex resume',
  gemini: 'gemini --resume',
  'copilot-cli': 'copilot --resume',
};

/**
 * The command that makes an agent go on with a conversation; of a subagent, with that of its parent. Undefined where
 * there is none, or the id is none that the agent gives.
 */
export function resumeCommand({ source, externalId }: Pick<Conversation, 'source' | 'externalId'>): string | undefined {
  const command = Object.hasOwn(commands, source) ? commands[source] : undefined;
  const [session = ''] = (externalId ?? '').split('/');
  return command !== undefined && SESSION_ID.test(session) ? `${command} ${session}` : undefined;
}
