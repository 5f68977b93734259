import { createHash } from 'node:crypto';
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
import { array, count, image, isObject, joinTexts, object, optionalText, text, time } from './fields.ts';

const HASH = /^[0-9a-f]{64}$/u;

/** Gemini CLI: one document per session, or (from 0.40) a list of operations in which a message is repeated as it grows. */
export const gemini: Adapter = {
  source: 'gemini',
  roots: (home) => [join(home, '.gemini', 'tmp')],
  mayHold: (path, folders) => {
    const [directory = '', chats = 'chats', ...rest] = path.split('/');
    if (chats !== 'chats' || rest.length > 0) return false;
    return !HASH.test(directory) || folders.some((folder) => hashOf(folder) === directory);
  },
  isTranscript: (path) => /^[^/]+\/chats\/session-[^/]*\.jsonl?$/u.test(path),
  isDocument: (path) => path.endsWith('.json'),
  split: (value) => {
    const document = asObject(value);
    if (!document) return undefined;
    const { messages, ...header } = document;
    return [header, ...array(messages)];
  },
  begin: (path) => ({ session: path.replace(/^.*[\\/]|\.jsonl?$/g, ''), time: 0, ids: [] }),
  cwd: () => undefined,
  surroundings: (path, read, folders) => {
    const directory = path.split(/[\\/]/u).at(-3) ?? '';
    const folder = folders.find((one) => hashOf(one) === directory);
    return { cwd: folder ?? optionalText(read('../.project_root')?.trim()) };
  },
  read: (record, state) => {
    if ('$set' in record) return readSet(object(record['$set']), state);
    if ('$rewindTo' in record) return rewind(text(record['$rewindTo']), state);
    if (optionalText(record['id']) && optionalText(record['type'])) return readMessage(record, state);
    if (!optionalText(record['sessionId'])) return 'unknown';
    state['session'] = record['sessionId'];
    state['time'] = time(record['startTime']);
    return titles(record, state);
  },
};

function hashOf(folder: string): string {
  return createHash('sha256').update(folder).digest('hex');
}

function asObject(value: string): JsonObject | undefined {
  try {
    const parsed: unknown = JSON.parse(value);
    return isObject(parsed) ? parsed : undefined;
  } catch {
    // It is being written at this moment.
    return undefined;
  }
}

function titles(record: JsonObject, state: FileState): Reading {
  const title = optionalText(record['summary']);
  if (!title) return 'bookkeeping';
  return [{ kind: 'title', session: text(state['session']), rank: titleRank.generated, title }];
}

function readSet(changes: JsonObject, state: FileState): Reading {
  if (!Array.isArray(changes['messages'])) return titles(changes, state);
  const messages = changes['messages'].filter(isObject);
  const kept = new Set(messages.map(({ id }) => id));
  const gone = array(state['ids']).filter((id) => !kept.has(id));
  state['ids'] = [];
  return [...gone.map((id) => superseded(text(id), state)), ...messages.flatMap((one) => facts(one, state))];
}

/** Takes a message and all after it back; everything, when it is not known. */
function rewind(id: string, state: FileState): Reading {
  const ids = array(state['ids']);
  const at = Math.max(0, ids.indexOf(id));
  state['ids'] = ids.slice(0, at);
  return ids.slice(at).map((one) => superseded(text(one), state));
}

function superseded(id: string, state: FileState): Fact {
  const base = { kind: 'message', session: text(state['session']), key: keyOf(id, state) } as const;
  const parts: RawPart[] = [{ type: 'superseded' }];
  return { ...base, piece: 'superseded', role: 'system', time: Number(state['time']), parts, ifPresent: true };
}

function keyOf(id: string, state: FileState): string {
  return `${text(state['session'])}:${id}`;
}

function readMessage(record: JsonObject, state: FileState): Reading {
  return facts(record, state);
}

function facts(record: JsonObject, state: FileState): Fact[] {
  const id = text(record['id']);
  state['time'] = time(record['timestamp']) || state['time'];
  const ids = array(state['ids']);
  if (!ids.includes(id)) state['ids'] = [...ids, id];
  const key = keyOf(id, state);
  const base = { session: text(state['session']), time: Number(state['time']) };
  const model = optionalText(record['model']);
  const who = speaker(text(record['type']));
  const calls = array(record['toolCalls']).filter(isObject);
  const parts = [...thoughts(record['thoughts']), ...contentParts(record['content']), ...calls.map(toolCall)];
  const message: Fact = { ...base, kind: 'message', key, ...who, ...(model ? { model } : {}), parts, merge: 'replace' };
  const results = calls.filter((call) => 'result' in call || 'resultDisplay' in call);
  const tools: Fact[] = results.map((call) => ({
    ...base,
    kind: 'message',
    key: `${key}:${text(call['id'])}`,
    role: 'tool',
    parts: [toolResult(call)],
    merge: 'replace',
  }));
  if (!isObject(record['tokens'])) return [message, ...tools];
  const usage = toUsage(record['tokens']);
  return [message, ...tools, { ...base, kind: 'usage', key, message: key, ...(model ? { model } : {}), usage }];
}

function speaker(type: string): { role: 'user' | 'assistant' | 'system'; status?: 'error' } {
  if (type === 'user') return { role: 'user' };
  if (type === 'gemini') return { role: 'assistant' };
  return type === 'error' ? { role: 'system', status: 'error' } : { role: 'system' };
}

function thoughts(value: unknown): RawPart[] {
  return array(value)
    .filter(isObject)
    .map((thought) => ({
      type: 'reasoning',
      text: joinTexts([text(thought['subject']), text(thought['description'])]),
    }));
}

function contentParts(content: unknown): RawPart[] {
  if (typeof content === 'string') return content === '' ? [] : [{ type: 'text', text: content }];
  return array(content)
    .filter(isObject)
    .map((part) => {
      if (typeof part['text'] === 'string') return { type: 'text', text: part['text'] };
      const data = object(part['inlineData']);
      return optionalText(data['data']) ? image(data['mimeType'], data['data']) : { type: 'other', value: part };
    });
}

function toolCall(call: JsonObject): RawPart {
  return { type: 'tool-call', id: text(call['id']), name: text(call['name']), input: call['args'] ?? {} };
}

function toolResult(call: JsonObject): RawPart {
  const outputs = array(call['result']).map((one) => {
    const response = object(object(object(one)['functionResponse'])['response']);
    return optionalText(response['output']) ?? optionalText(response['error']) ?? text(object(one)['text']);
  });
  const output = joinTexts(outputs) || text(call['resultDisplay']);
  return {
    type: 'tool-result',
    id: text(call['id']),
    output,
    ...(call['status'] === 'error' ? { isError: true } : {}),
  };
}

function toUsage(tokens: JsonObject): Usage {
  const cacheRead = count(tokens['cached']);
  return {
    input: Math.max(0, count(tokens['input']) - cacheRead),
    output: count(tokens['output']),
    cacheRead,
    cacheWrite: 0,
    reasoning: count(tokens['thoughts']),
  };
}
