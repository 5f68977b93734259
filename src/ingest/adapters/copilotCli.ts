import { join } from 'node:path';
import type { Usage } from '../../protocol/ingest.ts';
import type { Adapter, Fact, FileState, JsonObject, RawPart, Reading } from '../adapter.ts';
import { array, count, fromJson, isObject, object, optionalText, remember, text, time } from './fields.ts';

/** Events about the agent's own affairs; others are news, whatever they are called. */
const silentEvents = new Set([
  'abort',
  'assistant.turn_end',
  'assistant.turn_start',
  'hook.end',
  'hook.start',
  'session.auto_mode_resolved',
  'session.info',
  'session.truncation',
  'session.usage_checkpoint',
  'subagent.completed',
  'subagent.started',
  'system.message',
  'system.notification',
  'tool.execution_start',
]);

/** GitHub Copilot CLI: one event per line. */
export const copilotCli: Adapter = {
  source: 'copilot-cli',
  roots: (home) => [join(home, '.copilot', 'session-state')],
  mayHold: (path) => !path.includes('/'),
  isTranscript: (path) => /^[^/]+\/events\.jsonl$/u.test(path),
  isDocument: () => false,
  begin: (path) => ({ session: path.split(/[\\/]/u).at(-2) ?? path, time: 0 }),
  cwd: (record) => optionalText(object(object(record['data'])['context'])['cwd']),
  surroundings: (_path, read) => {
    const description = read('workspace.yaml') ?? '';
    return {
      cwd: yamlField(description, 'cwd'),
      title: yamlField(description, 'name') ?? yamlField(description, 'summary'),
    };
  },
  read: (record, state) => {
    const data = record['data'];
    if (!isObject(data) || !optionalText(record['id'])) return 'unknown';
    state['time'] = time(record['timestamp']) || state['time'];
    return readEvent(text(record['type']), text(record['id']), data, state);
  },
};

/** A scalar at the top of a small YAML file. */
function yamlField(description: string, name: string): string | undefined {
  const value = new RegExp(`^${name}:[ \\t]*(\\S.*)$`, 'mu').exec(description)?.[1]?.trim();
  const quoted = value && /^(["'])(.*)\1$/u.exec(value)?.[2];
  return optionalText(quoted ?? value);
}

function readEvent(type: string, id: string, data: JsonObject, state: FileState): Reading {
  const [cwd, branch] = [optionalText(state['cwd']), optionalText(state['branch'])];
  const place = { ...(cwd && { cwd }), ...(branch && { branch }) };
  const base = { session: text(state['session']), time: Number(state['time']), ...place };
  switch (type) {
    case 'session.start':
    case 'session.resume': {
      const { cwd, branch } = object(data['context']);
      remember(state, { session: data['sessionId'], cwd, branch, model: data['selectedModel'] });
      return 'bookkeeping';
    }
    case 'session.model_change':
      remember(state, { model: data['newModel'] });
      return 'bookkeeping';
    case 'session.error':
      return [{ ...base, kind: 'message', key: id, role: 'system', status: 'error', parts: said(data['message']) }];
    case 'user.message':
      return [{ ...base, kind: 'message', key: id, role: 'user', parts: said(data['content']) }];
    case 'assistant.reasoning':
      state.texts = { reasoning: text(data['content']) };
      return 'bookkeeping';
    case 'assistant.message':
      return [assistantMessage(id, data, state)];
    case 'tool.execution_complete':
      return [toolMessage(id, data, base)];
    case 'session.usage_record':
      return usageRecord(id, object(data['usage']), state);
    case 'session.shutdown':
      return shutdownUsage(id, object(data['modelMetrics']), state);
    default:
      return silentEvents.has(type) ? 'bookkeeping' : 'unknown';
  }
}

function said(value: unknown): RawPart[] {
  return [{ type: 'text', text: text(value) }];
}

function assistantMessage(id: string, data: JsonObject, state: FileState): Fact {
  const reasoning = optionalText(data['reasoningText']) ?? state.texts?.['reasoning'];
  delete state.texts;
  const model = optionalText(data['model']) ?? optionalText(state['model']);
  const calls = array(data['toolRequests']).filter(isObject);
  const parts: RawPart[] = [
    ...(reasoning ? [{ type: 'reasoning', text: reasoning } as const] : []),
    ...(optionalText(data['content']) ? said(data['content']) : []),
    ...calls.map((call): RawPart => {
      const input = fromJson(call['arguments'] ?? {});
      return { type: 'tool-call', id: text(call['toolCallId']), name: text(call['name']), input };
    }),
  ];
  const base = { kind: 'message', session: text(state['session']), time: Number(state['time']) } as const;
  return { ...base, key: optionalText(data['messageId']) ?? id, role: 'assistant', ...(model ? { model } : {}), parts };
}

function toolMessage(id: string, data: JsonObject, base: { session: string; time: number }): Fact {
  const call = text(data['toolCallId']);
  const result = object(data['result']);
  const output =
    optionalText(result['content']) ??
    optionalText(result['detailedContent']) ??
    text(object(data['error'])['message']);
  const part: RawPart = {
    type: 'tool-result',
    id: call,
    output,
    ...(data['success'] === false ? { isError: true } : {}),
  };
  return { ...base, kind: 'message', key: call ? `tool:${call}` : id, role: 'tool', parts: [part] };
}

function usageRecord(id: string, usage: JsonObject, state: FileState): Reading {
  state['hasUsage'] = true;
  const key = optionalText(usage['apiCallId']) ?? id;
  return [toFact(key, optionalText(usage['model']), usage, state)];
}

/** The sums at the end count only where the requests were not told one by one. */
function shutdownUsage(id: string, metrics: JsonObject, state: FileState): Reading {
  if (state['hasUsage']) return 'bookkeeping';
  const facts = Object.entries(metrics).map(([model, value]) =>
    toFact(`${id}:${model}`, model, object(object(value)['usage']), state),
  );
  return facts.length > 0 ? facts : 'bookkeeping';
}

function toFact(key: string, model: string | undefined, usage: JsonObject, state: FileState): Fact {
  const base = { kind: 'usage', session: text(state['session']), time: Number(state['time']) } as const;
  return { ...base, key, ...(model ? { model } : {}), usage: toUsage(usage) };
}

function toUsage(usage: JsonObject): Usage {
  const cacheRead = count(usage['cacheReadTokens']);
  const cacheWrite = count(usage['cacheWriteTokens']);
  return {
    input: Math.max(0, count(usage['inputTokens']) - cacheRead - cacheWrite),
    output: count(usage['outputTokens']),
    cacheRead,
    cacheWrite,
    reasoning: count(usage['reasoningTokens']),
  };
}
