import type { Source } from '../protocol/ingest.ts';
import type { Adapter } from './adapter.ts';
import { claudeCode } from './adapters/claudeCode.ts';
import { codex } from './adapters/codex.ts';
import { copilotCli } from './adapters/copilotCli.ts';
import { gemini } from './adapters/gemini.ts';
import { vscodeChat } from './adapters/vscodeChat.ts';

/** Every agent whose transcripts can be read. */
export const adapters: Record<Source, Adapter> = {
  'claude-code': claudeCode,
  codex,
  gemini,
  'copilot-cli': copilotCli,
  'vscode-chat': vscodeChat,
};
