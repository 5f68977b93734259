import { basename, join } from 'node:path';
import type { Usage } from '../../protocol/ingest.ts';
import type { Role } from '../../protocol/model.ts';
import { type Adapter, type FileState, type JsonObject, type RawPart, type Reading, titleRank } from '../adapter.ts';
import {
  array,
  count,
  errorMessage,
  fromJson,
  isObject,
  joinTexts,
  object,
  optionalText,
  remember,
  text,
  time,
} from './fields.ts';

/** Beginnings of items with a user's role that the agent itself has put there. */
const NOT_A_PROMPT =
  /^\s*(?:# AGENTS\.md|<(?:environment_context|user_instructions|INSTRUCTIONS|turn_aborted|subagent_notification|skill|goal_context)>)/u;

const WORKING_DIRECTORY = /<cwd>([^<\n]{1,4096})<\/cwd>/u;

/** Events that repeat items, or tell of the agent's own affairs; others are news, whatever they are called. */
const silentEvents = new Set([
  'agent_message',
  'agent_reasoning',
  'agent_reasoning_raw_content',
  'collab_agent_interaction_end',
  'collab_agent_spawn_end',
  'collab_close_end',
  'collab_resume_end',
  'collab_waiting_end',
  'context_compacted',
  'dynamic_tool_call_request',
  'dynamic_tool_call_response',
  'entered_review_mode',
  'exec_command_end',
  'exited_review_mode',
  'guardian_assessment',
  'image_generation_end',
  'item_completed',
  'mcp_tool_call_end',
  'patch_apply_end',
  'sub_agent_activity',
  'task_complete',
  'thread_goal_updated',
  'thread_settings_applied',
  'turn_aborted',
  'turn_complete',
  'turn_started',
  'undo_completed',
  'user_message',
  'view_image_tool_call',
  'warning',
  'web_search_end',
]);

/** Items that are no part of the conversation. */
const silentItems = new Set([
  'ghost_snapshot',
  'compaction',
  'compaction_summary',
  'compaction_trigger',
  'context_compaction',
]);

/** How many turns and messages of a file are remembered, to go on in one and to go back to one. */
const MEMORY = 100;

/** Codex CLI, both the format before September 2025 and the present one. A fork repeats its parent's turns. */
export const codex: Adapter = {
  source: 'codex',
  roots: (home, env) => {
    const base = env['CODEX_HOME'] || join(home, '.codex');
    return [join(base, 'sessions'), join(base, 'archived_sessions')];
  },
  mayHold: (path) => /^\d{4}(?:\/\d\d){0,2}$/u.test(path),
  isTranscript: (path) => /(?:^|\/)rollout-[^/]*\.jsonl(?:\.zst)?$/u.test(path),
  isDocument: () => false,
  begin: (path) => ({
    session: /([0-9a-f-]{36})\.jsonl(?:\.zst)?$/u.exec(path)?.[1] ?? basename(path),
    time: 0,
    counts: {},
    recent: [],
  }),
  cwd: (record) => {
    const payload = object(record['payload']);
    return (
      optionalText(payload['cwd']) ?? WORKING_DIRECTORY.exec(contentText(payload['content'] ?? record['content']))?.[1]
    );
  },
  read: (record, state) => {
    state['time'] = time(record['timestamp']) || time(record['created_at']) || state['time'];
    if (!isObject(record['payload'])) return readOld(record, state);
    return readNew(text(record['type']), record['payload'], state);
  },
};

function readOld(record: JsonObject, state: FileState): Reading {
  if (record['record_type'] === 'state') return 'bookkeeping';
  if (typeof record['type'] === 'string') return readItem(record, state);
  if (!optionalText(record['id']) || !('timestamp' in record)) return 'unknown';
  state['session'] = record['id'];
  return 'bookkeeping';
}

function readNew(type: string, payload: JsonObject, state: FileState): Reading {
  switch (type) {
    case 'session_meta':
      // A fork repeats its parent's header after its own.
      if (!state['hasHeader']) state['session'] = optionalText(payload['id']) ?? state['session'];
      state['hasHeader'] = true;
      remember(state, { cwd: payload['cwd'], branch: object(payload['git'])['branch'] });
      return 'bookkeeping';
    case 'turn_context':
      remember(state, { model: payload['model'], cwd: payload['cwd'] });
      beginTurn(payload['turn_id'], state);
      return 'bookkeeping';
    case 'response_item':
      return readItem(payload, state);
    case 'event_msg':
      return readEvent(payload, state);
    case 'compacted':
      return [
        message(state, nextKey(state), 'system', [
          { type: 'text', text: text(payload['message']) || 'Context compacted' },
        ]),
      ];
    default:
      return type === 'inter_agent_communication_metadata' || type === 'world_state' ? 'bookkeeping' : 'unknown';
  }
}

function readEvent(payload: JsonObject, state: FileState): Reading {
  switch (payload['type']) {
    case 'task_started':
      beginTurn(payload['turn_id'], state);
      return 'bookkeeping';
    case 'token_count':
      return readUsage(object(payload['info']), state);
    case 'thread_name_updated':
      if (!optionalText(payload['thread_name'])) return 'bookkeeping';
      return [
        { kind: 'title', session: text(state['session']), rank: titleRank.chosen, title: text(payload['thread_name']) },
      ];
    case 'thread_rolled_back':
      return rollBack(count(payload['num_turns']), state);
    case 'error': {
      const said = errorMessage(payload);
      if (!said) return 'unknown';
      const parts: RawPart[] = [{ type: 'text', text: said }];
      const key = `${scopeOf(state)}:error:${Number(state['time'])}`;
      return [{ ...message(state, key, 'system', parts), status: 'error' }];
    }
    default:
      return silentEvents.has(text(payload['type'])) ? 'bookkeeping' : 'unknown';
  }
}

function readItem(item: JsonObject, state: FileState): Reading {
  const key = nextKey(state);
  const type = text(item['type']);
  if (type === 'message') return readMessage(item, key, state);
  if (type === 'reasoning') {
    const said = joinTexts(
      [...array(item['summary']), ...array(item['content'])].map((one) => text(object(one)['text'])),
    );
    return assistant(state, key, [{ type: 'reasoning', text: said }]);
  }
  if (type.endsWith('_output')) {
    const parts = [toolResult(item)];
    return [say(state, key, 'tool', parts)];
  }
  if (type.endsWith('_call')) return assistant(state, key, [toolCall(item, type)]);
  if (type === 'agent_message') {
    return [say(state, key, 'system', [{ type: 'text', text: contentText(item['content']) }])];
  }
  return silentItems.has(type) ? 'bookkeeping' : 'unknown';
}

function readMessage(item: JsonObject, key: string, state: FileState): Reading {
  const parts = contentParts(item['content']);
  if (item['role'] === 'assistant') return assistant(state, key, parts);
  if (item['role'] !== 'user') return 'bookkeeping';
  const said = parts.filter((part) => part.type !== 'text' || !NOT_A_PROMPT.test(part.text));
  return said.length === 0 ? 'bookkeeping' : [say(state, key, 'user', said)];
}

/** Adds to the assistant's present message, which ends when anybody else speaks. */
function assistant(state: FileState, key: string, parts: RawPart[]): Reading {
  const group = optionalText(state['group']);
  if (group) return [{ ...message(state, group, 'assistant', parts), piece: key }];
  const fact = say(state, key, 'assistant', parts);
  state['group'] = key;
  state['answer'] = key;
  return [{ ...fact, piece: key }];
}

/** A message of its own. */
function say(state: FileState, key: string, role: Role, parts: RawPart[]) {
  delete state['group'];
  state['recent'] = [...array(state['recent']), [key, role === 'user']].slice(-MEMORY);
  return message(state, key, role, parts);
}

function message(state: FileState, key: string, role: Role, parts: RawPart[]) {
  const model = role === 'assistant' && optionalText(state['model']);
  const [cwd, branch] = [optionalText(state['cwd']), optionalText(state['branch'])];
  const base = { kind: 'message', session: text(state['session']), time: Number(state['time']) } as const;
  return { ...base, key, role, ...(model && { model }), ...(cwd && { cwd }), ...(branch && { branch }), parts };
}

/** Items are numbered within their turn, so that the copy in a fork has the same key. */
function nextKey(state: FileState): string {
  const scope = scopeOf(state);
  const { [scope]: last, ...others } = object(state['counts']);
  const next = count(last) + 1;
  state['counts'] = Object.fromEntries([...Object.entries(others).slice(1 - MEMORY), [scope, next]]);
  return `${scope}#${next}`;
}

function scopeOf(state: FileState): string {
  return optionalText(state['turn']) ?? text(state['session']);
}

function beginTurn(id: unknown, state: FileState): void {
  if (!optionalText(id) || id === state['turn']) return;
  state['turn'] = id;
  delete state['group'];
}

/** Marks the messages of the last turns as taken back. */
function rollBack(turns: number, state: FileState): Reading {
  const recent = array(state['recent']) as [string, boolean][];
  let first = recent.length;
  for (let left = turns; left > 0 && first > 0; ) if (recent[--first]?.[1]) left--;
  state['recent'] = recent.slice(0, first);
  delete state['group'];
  return recent.slice(first).map(([key]) => ({
    ...message(state, key, 'system', [{ type: 'superseded' }]),
    piece: `${key}:superseded`,
    ifPresent: true,
  }));
}

/** The same figures are told again and again; they count when the total has changed. */
function readUsage(info: JsonObject, state: FileState): Reading {
  const total = count(object(info['total_token_usage'])['total_tokens']);
  if (!isObject(info['last_token_usage']) || total === state['total']) return 'bookkeeping';
  state['total'] = total;
  const scope = scopeOf(state);
  const answer = optionalText(state['answer']);
  const model = optionalText(state['model']);
  const base = { kind: 'usage', session: text(state['session']), time: Number(state['time']) } as const;
  const usage = toUsage(info['last_token_usage']);
  const key = `${scope}:${total}`;
  return [{ ...base, key, ...(answer ? { message: answer } : {}), ...(model ? { model } : {}), usage }];
}

function toUsage(usage: JsonObject): Usage {
  const cacheRead = count(usage['cached_input_tokens']);
  return {
    input: Math.max(0, count(usage['input_tokens']) - cacheRead),
    output: count(usage['output_tokens']),
    cacheRead,
    cacheWrite: 0,
    reasoning: count(usage['reasoning_output_tokens']),
  };
}

function toolCall(item: JsonObject, type: string): RawPart {
  const input = item['arguments'] ?? item['input'] ?? item['action'] ?? item['revised_prompt'] ?? {};
  const id = optionalText(item['call_id']) ?? text(item['id']);
  return {
    type: 'tool-call',
    id,
    name: optionalText(item['name']) ?? type.replace(/_call$/u, ''),
    input: fromJson(input),
  };
}

function toolResult(item: JsonObject): RawPart {
  const value = fromJson(item['output'] ?? item['tools'] ?? '');
  const inner = isObject(value) ? (value['output'] ?? value['content'] ?? value['text'] ?? value) : value;
  const output = typeof inner === 'string' ? inner : Array.isArray(inner) ? contentText(inner) : text(item['output']);
  const exitCode = object(object(value)['metadata'])['exit_code'];
  const failed = (typeof exitCode === 'number' && exitCode !== 0) || object(value)['success'] === false;
  return { type: 'tool-result', id: text(item['call_id']), output, ...(failed ? { isError: true } : {}) };
}

function contentParts(content: unknown): RawPart[] {
  if (typeof content === 'string') return [{ type: 'text', text: content }];
  return array(content).filter(isObject).map(contentPart);
}

function contentPart(block: JsonObject): RawPart {
  if (typeof block['text'] === 'string') return { type: 'text', text: block['text'] };
  const url = text(block['image_url']);
  const [, mediaType, data] = /^data:([^;,]{1,100});base64,(.*)$/su.exec(url) ?? [];
  if (mediaType && data) return { type: 'image-data', mediaType, data };
  return url ? { type: 'image', url } : { type: 'other', value: block };
}

function contentText(content: unknown): string {
  return joinTexts(contentParts(content).map((part) => (part.type === 'text' ? part.text : '')));
}
