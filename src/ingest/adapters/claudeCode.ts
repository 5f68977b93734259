import { join } from 'node:path';
import type { Usage } from '../../protocol/ingest.ts';
import {
  type Adapter,
  type Fact,
  type FileState,
  type JsonObject,
  type RawPart,
  type Reading,
  titleRank,
} from '../adapter.ts';
import { array, count, errorMessage, image, isObject, joinTexts, object, optionalText, text, time } from './fields.ts';

/** How much of a folder's name the agent keeps in the name of its directory; what follows is a hash. */
const MAX_NAME = 200;

/** Beginnings of texts with a user's role that no user has written. */
const NOT_A_PROMPT =
  /^(?:<(?:command-|local-command-|bash-|task-notification>|system-reminder>|ide_)|\[Request interrupted)/u;

/** What the editor or the agent puts before a prompt. */
const WRAPPER = /^\s*<(ide_\w+|system-reminder)>/u;

/** Records about the agent's own affairs. */
const bookkeeping = new Set([
  'agent-color',
  'agent-name',
  'attribution-snapshot',
  'bridge-session',
  'content-replacement',
  'file-history-snapshot',
  'frame-link',
  'mode',
  'permission-mode',
  'pr-link',
  'queue-operation',
  'relocated',
  'result',
  'speculation-accept',
  'started',
  'tag',
  'worktree-state',
]);

/** System records without a text for people. */
const silentSystem = new Set(['session_start', 'stop_hook_summary', 'turn_duration', 'away_summary', 'file_snapshot']);

/** What is attached to a session for the model only. */
const silentAttachments = new Set([
  'agent_listing_delta',
  'auto_mode',
  'batching_reminder_sent',
  'budget_usd',
  'command_permissions',
  'compact_file_reference',
  'date_change',
  'deferred_tools_delta',
  'dynamic_skill',
  'edited_text_file',
  'file',
  'hook_additional_context',
  'hook_blocking_error',
  'hook_non_blocking_error',
  'hook_success',
  'invoked_skills',
  'mcp_instructions_delta',
  'nested_memory',
  'plan_mode',
  'plan_mode_exit',
  'read_truncation_notice',
  'silent_turn_reminder',
  'skill_listing',
  'task_reminder',
  'task_status',
  'todo_reminder',
  'total_tokens_reminder',
  'ultra_effort_enter',
  'ultra_effort_exit',
]);

/** Progress that its result repeats. */
const silentProgress = new Set(['bash_progress', 'hook_progress']);

/** Claude Code, versions 1.0 to 2.1: a line per content block, subagents in files of their own. */
export const claudeCode: Adapter = {
  source: 'claude-code',
  roots: (home, env) => [join(env['CLAUDE_CONFIG_DIR'] || join(home, '.claude'), 'projects')],
  mayHold: (path, folders) => {
    const [directory = '', , kind = 'subagents'] = path.split('/');
    return kind === 'subagents' && folders.some((folder) => directory.toLowerCase().startsWith(escapedName(folder)));
  },
  isTranscript: (path) => {
    const [, ...rest] = path.split('/');
    const name = rest.at(-1) ?? '';
    return name.endsWith('.jsonl') && (rest.length === 1 || name.startsWith('agent-'));
  },
  isDocument: () => false,
  begin: (path) => ({ session: path.replace(/^.*[\\/]|\.jsonl$/g, ''), time: 0 }),
  cwd: (record) => optionalText(record['cwd']),
  read: (record, state) => {
    state['session'] = optionalText(record['sessionId']) ?? state['session'];
    state['time'] = time(record['timestamp']) || state['time'];
    const facts = readRecord(record, state);
    const title = Array.isArray(facts) ? awaitedSummary(record, state) : undefined;
    return title && Array.isArray(facts) ? [...facts, title] : facts;
  },
};

/** The beginning that the name of a folder's directory has, in small letters. The rule loses information. */
function escapedName(folder: string): string {
  return folder
    .normalize('NFC')
    .replace(/[^A-Za-z0-9]/gu, '-')
    .slice(0, MAX_NAME)
    .toLowerCase();
}

function readRecord(record: JsonObject, state: FileState): Reading {
  switch (record['type']) {
    case 'user':
      return readUser(record, state);
    case 'assistant':
      return readAssistant(record, state);
    case 'system':
      return readSystem(record, state);
    case 'attachment':
      return readAttachment(record, state);
    case 'progress':
      return readProgress(record, state);
    case 'summary':
      return readSummary(record, state);
    case 'custom-title':
      return title(record, state, titleRank.chosen, record['customTitle']);
    case 'ai-title':
      return title(record, state, titleRank.generated, record['aiTitle']);
    case 'last-prompt':
      return title(record, state, titleRank.lastPrompt, record['lastPrompt']);
    default:
      return bookkeeping.has(text(record['type'])) ? 'bookkeeping' : 'unknown';
  }
}

/** A subagent's records carry its parent's session; they make a conversation of their own. */
function sessionOf(record: JsonObject, state: FileState): string {
  const agent = optionalText(record['agentId']);
  return agent === undefined ? text(state['session']) : `${text(state['session'])}/${agent}`;
}

/** Where the agent worked at a record. */
function placeOf(record: JsonObject): { cwd?: string; branch?: string } {
  const [cwd, branch] = [optionalText(record['cwd']), optionalText(record['gitBranch'])];
  return { ...(cwd && { cwd }), ...(branch && { branch }) };
}

function title(record: JsonObject, state: FileState, rank: number, value: unknown): Reading {
  if (!optionalText(value)) return 'bookkeeping';
  return [{ kind: 'title', session: sessionOf(record, state), rank, title: text(value) }];
}

function readUser(record: JsonObject, state: FileState): Reading {
  const uuid = optionalText(record['uuid']);
  const { content } = object(record['message']);
  if (!uuid || (typeof content !== 'string' && !Array.isArray(content))) return 'unknown';
  const blocks = typeof content === 'string' ? [{ type: 'text', text: content }] : content.filter(isObject);
  const results = blocks.filter((block) => block['type'] === 'tool_result');
  const others = blocks.filter((block) => block['type'] !== 'tool_result');
  const base = { kind: 'message', session: sessionOf(record, state), time: Number(state['time']) } as const;
  const facts: Fact[] = results.map((block, index) => ({
    ...base,
    key: toolKey(block['tool_use_id'], `${uuid}:${index}`),
    piece: uuid,
    role: 'tool',
    parts: toolResult(block),
  }));
  const said = { ...placeOf(record), ...prompt(record, others.flatMap(toParts)) };
  if (others.length > 0) facts.push({ ...base, key: uuid, ...said });
  return facts.length > 0 ? facts : 'unknown';
}

/** Who speaks in a record with the user's role, and what is left without wrappers around a prompt. */
function prompt(record: JsonObject, parts: RawPart[]): { role: 'user' | 'system'; author?: string; parts: RawPart[] } {
  const author = record['isSidechain'] === true && record['agentId'] === undefined ? { author: 'subagent' } : {};
  const isFlagged = record['isMeta'] === true || record['isCompactSummary'] === true;
  const said = parts.flatMap((part): RawPart[] => {
    if (part.type !== 'text') return [part];
    const rest = withoutWrappers(part.text);
    return rest === '' || NOT_A_PROMPT.test(rest) ? [] : [{ ...part, text: rest }];
  });
  return isFlagged || said.length === 0
    ? { role: 'system', ...author, parts }
    : { role: 'user', ...author, parts: said };
}

function withoutWrappers(value: string): string {
  let rest = value;
  for (let match = WRAPPER.exec(rest); match; match = WRAPPER.exec(rest)) {
    const end = `</${match[1]}>`;
    const at = rest.indexOf(end);
    if (at < 0) return '';
    rest = rest.slice(at + end.length);
  }
  return rest === value ? value : rest.trim();
}

function readAssistant(record: JsonObject, state: FileState): Reading {
  const uuid = optionalText(record['uuid']);
  const message = object(record['message']);
  const { content } = message;
  if (!uuid || (typeof content !== 'string' && !Array.isArray(content))) return 'unknown';
  const model = optionalText(message['model']);
  const isSynthetic = model === '<synthetic>';
  const key = isSynthetic ? uuid : (optionalText(message['id']) ?? uuid);
  const base = {
    session: sessionOf(record, state),
    time: Number(state['time']),
    ...(isSynthetic || !model ? {} : { model }),
  };
  const isInline = record['isSidechain'] === true && record['agentId'] === undefined;
  const facts: Fact[] = [
    {
      ...base,
      ...placeOf(record),
      kind: 'message',
      key,
      ...(key === uuid ? {} : { piece: uuid }),
      role: 'assistant',
      ...(isInline ? { author: 'subagent' } : {}),
      ...(record['isApiErrorMessage'] === true ? { status: 'error' } : {}),
      parts:
        typeof content === 'string' ? [{ type: 'text', text: content }] : content.filter(isObject).flatMap(toParts),
    },
  ];
  if (!isSynthetic && isObject(message['usage'])) {
    facts.push({ ...base, kind: 'usage', key, message: key, usage: toUsage(message['usage']) });
  }
  return facts;
}

function readSystem(record: JsonObject, state: FileState): Reading {
  const error = object(record['error']);
  const said =
    optionalText(record['content']) ??
    optionalText(error['formatted']) ??
    errorMessage(error) ??
    optionalText(record['apiRefusalExplanation']) ??
    (record['subtype'] === 'compact_boundary' ? 'Conversation compacted' : undefined);
  if (silentSystem.has(text(record['subtype']))) return 'bookkeeping';
  const key = optionalText(record['uuid']);
  if (!key || !said) return 'unknown';
  const status = 'error' in record ? ({ status: 'error' } as const) : {};
  const fact = { kind: 'message', session: sessionOf(record, state), key, role: 'system', ...status } as const;
  return [{ ...fact, time: Number(state['time']), parts: [{ type: 'text', text: said }] }];
}

/** Of what is attached to a session, only a prompt that waited while the agent worked is part of the conversation. */
function readAttachment(record: JsonObject, state: FileState): Reading {
  const attachment = object(record['attachment']);
  const key = optionalText(attachment['source_uuid']) ?? optionalText(record['uuid']);
  if (silentAttachments.has(text(attachment['type']))) return 'bookkeeping';
  if (attachment['type'] !== 'queued_command' || !key) return 'unknown';
  const value = attachment['prompt'];
  const blocks = typeof value === 'string' ? [{ type: 'text', text: value }] : array(value).filter(isObject);
  if (blocks.length === 0) return 'unknown';
  const said = prompt(object(attachment), blocks.flatMap(toParts));
  return [{ kind: 'message', session: sessionOf(record, state), key, time: Number(state['time']), ...said }];
}

/** Some versions write what a subagent says into its parent's file only. */
function readProgress(record: JsonObject, state: FileState): Reading {
  const data = object(record['data']);
  const inner = object(data['message']);
  if (silentProgress.has(text(data['type']))) return 'bookkeeping';
  if (data['type'] !== 'agent_progress' || !isObject(inner['message'])) return 'unknown';
  const agentId = optionalText(data['agentId']) ?? optionalText(record['parentToolUseID']) ?? 'agent';
  return readRecord({ ...inner, agentId }, state);
}

/** A summary names the last record that it covers, which may come later in the file, or in another one. */
function readSummary(record: JsonObject, state: FileState): Reading {
  const leaf = optionalText(record['leafUuid']);
  if (!leaf || !optionalText(record['summary'])) return 'bookkeeping';
  if (leaf === state['last']) return title(record, state, titleRank.summary, record['summary']);
  state.texts = { ...state.texts, [leaf]: text(record['summary']) };
  return 'bookkeeping';
}

/** The title from a summary that came before the record it names. */
function awaitedSummary(record: JsonObject, state: FileState): Fact | undefined {
  const uuid = optionalText(record['uuid']);
  if (!uuid) return undefined;
  state['last'] = uuid;
  const { [uuid]: summary, ...others } = state.texts ?? {};
  if (summary === undefined) return undefined;
  state.texts = others;
  return { kind: 'title', session: sessionOf(record, state), rank: titleRank.summary, title: summary };
}

function toParts(block: JsonObject): RawPart[] {
  switch (block['type']) {
    case 'text':
      return [{ type: 'text', text: text(block['text']) }];
    case 'thinking':
      return [{ type: 'reasoning', text: text(block['thinking']) }];
    case 'redacted_thinking':
      return [{ type: 'reasoning', text: '' }];
    case 'tool_use':
    case 'server_tool_use':
    case 'mcp_tool_use':
      return [{ type: 'tool-call', id: text(block['id']), name: text(block['name']), input: block['input'] ?? {} }];
    case 'image':
      return [toImage(object(block['source']))];
    default:
      return [toOther(block)];
  }
}

/** A block of another kind; a document, such as a PDF, has its bytes in it. */
function toOther(value: JsonObject): RawPart {
  const { type, media_type: mediaType, data } = object(value['source']);
  if (type !== 'base64') return { type: 'other', value };
  return { type: 'document-data', mediaType: text(mediaType), data: text(data), value };
}

function toImage(source: JsonObject): RawPart {
  if (source['type'] === 'base64') return image(source['media_type'], source['data']);
  return optionalText(source['url']) ? { type: 'image', url: text(source['url']) } : { type: 'other', value: source };
}

function toolResult(block: JsonObject): RawPart[] {
  const { content } = block;
  const blocks = array(content).filter(isObject);
  const output =
    typeof content === 'string'
      ? content
      : joinTexts(blocks.map((one) => (one['type'] === 'text' ? text(one['text']) : '')));
  const isError = block['is_error'] === true ? ({ isError: true } as const) : {};
  const others = blocks.filter((one) => one['type'] !== 'text').flatMap(toParts);
  return [{ type: 'tool-result', id: text(block['tool_use_id']), output, ...isError }, ...others];
}

/** Results have the call's id, which is the same in every copy of them. */
function toolKey(id: unknown, otherwise: string): string {
  return optionalText(id) ? `tool:${text(id)}` : otherwise;
}

function toUsage(usage: JsonObject): Usage {
  return {
    input: count(usage['input_tokens']),
    output: count(usage['output_tokens']),
    cacheRead: count(usage['cache_read_input_tokens']),
    cacheWrite: count(usage['cache_creation_input_tokens']),
    reasoning: 0,
  };
}
