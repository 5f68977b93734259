import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type Adapter,
  type Fact,
  type FileState,
  type JsonObject,
  type RawPart,
  type Reading,
  titleRank,
} from '../adapter.ts';
import { array, count, fromJson, isObject, object, optionalText, text, time } from './fields.ts';

/** The editors whose chats are laid out alike, by the names of their directories. */
const editors = ['Code', 'Code - Insiders', 'VSCodium', 'Cursor'];

/** Names that would reach beyond the document. */
const forbidden = new Set(['__proto__', 'constructor', 'prototype']);

/** Chats of VS Code: one document per session, or (from 1.109) the operations that make it. */
export const vscodeChat: Adapter = {
  source: 'vscode-chat',
  roots: (home, env) => editors.map((editor) => join(configDirectory(home, env), editor, 'User', 'workspaceStorage')),
  mayHold: (path) => /^[^/]+(?:\/chatSessions)?$/u.test(path),
  isTranscript: (path) => /^[^/]+\/chatSessions\/[^/]+\.jsonl?$/u.test(path),
  isDocument: () => true,
  split: (value) => {
    const document = asObject(value) ?? replay(value);
    if (!document) return undefined;
    const { requests, ...header } = document;
    const { sessionId } = header;
    return [{ header }, ...array(requests).map((request) => ({ sessionId, request }))];
  },
  begin: (path) => ({ session: path.replace(/^.*[\\/]|\.jsonl?$/g, '') }),
  cwd: () => undefined,
  surroundings: (_path, read) => {
    const { folder } = object(fromJson(read('../workspace.json')));
    return { cwd: text(folder).startsWith('file:') ? pathOf(text(folder)) : undefined };
  },
  read: (record, state) =>
    'header' in record ? readHeader(object(record['header']), state) : readRequest(record, state),
};

function configDirectory(home: string, env: NodeJS.ProcessEnv): string {
  if (process.platform === 'darwin') return join(home, 'Library', 'Application Support');
  if (process.platform === 'win32') return env['APPDATA'] ?? join(home, 'AppData', 'Roaming');
  return env['XDG_CONFIG_HOME'] || join(home, '.config');
}

function pathOf(uri: string): string | undefined {
  try {
    return fileURLToPath(uri);
  } catch {
    // A folder on another machine.
    return undefined;
  }
}

function asObject(value: string): JsonObject | undefined {
  const parsed = fromJson(value);
  return isObject(parsed) && !('kind' in parsed) ? parsed : undefined;
}

/** The document that a list of operations makes; the last line may still be on its way. */
function replay(value: string): JsonObject | undefined {
  const root: { document?: unknown } = {};
  const lines = value.split('\n').filter((line) => line.trim() !== '');
  for (const [index, line] of lines.entries()) {
    const operation = fromJson(line);
    if (isObject(operation)) apply(root, operation);
    else if (index < lines.length - 1) return undefined;
  }
  return isObject(root.document) ? root.document : undefined;
}

function apply(root: { document?: unknown }, { kind, k, v, i }: JsonObject): void {
  if (kind === 0) {
    root.document = v;
    return;
  }
  const path = array(k).map(String);
  const name = path.pop();
  if (name === undefined || [name, ...path].some((part) => forbidden.has(part))) return;
  let target: unknown = root.document;
  for (const part of path) target = isContainer(target) ? target[part] : undefined;
  if (!isContainer(target)) return;
  const container = target;
  if (kind === 1) container[name] = v;
  if (kind === 3) delete container[name];
  if (kind !== 2) return;
  const list = Array.isArray(container[name]) ? container[name] : [];
  if (typeof i === 'number') list.length = Math.min(list.length, Math.max(0, i));
  list.push(...array(v));
  container[name] = list;
}

/** An object, or an array seen as one. */
function isContainer(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null;
}

function readHeader(header: JsonObject, state: FileState): Reading {
  state['session'] = optionalText(header['sessionId']) ?? state['session'];
  state['time'] = time(header['creationDate']);
  const title = optionalText(header['customTitle']);
  return title ? [{ kind: 'title', session: text(state['session']), rank: titleRank.generated, title }] : 'bookkeeping';
}

function readRequest(record: JsonObject, state: FileState): Reading {
  const request = object(record['request']);
  const id = optionalText(request['requestId']);
  if (!id) return 'unknown';
  const result = object(request['result']);
  const metadata = object(result['metadata']);
  const session = text(state['session']);
  const base = {
    kind: 'message',
    session,
    time: time(request['timestamp']) || Number(state['time']),
    merge: 'replace',
  } as const;
  // Two chats may have requests of the same name.
  const key = `${session}:${id}`;
  const model = optionalText(metadata['resolvedModel']) ?? optionalText(request['modelId']);
  const question: RawPart[] = [{ type: 'text', text: text(object(request['message'])['text']) }];
  const facts: Fact[] = [{ ...base, key: `${key}:user`, role: 'user', parts: question }];
  const answer = responseParts(array(request['response']).filter(isObject), metadata);
  if (answer.length > 0 || isObject(request['result'])) {
    const status = isObject(result['errorDetails']) ? ({ status: 'error' } as const) : {};
    const failure = optionalText(object(result['errorDetails'])['message']);
    const parts: RawPart[] = failure ? [...answer, { type: 'text', text: failure }] : answer;
    facts.push({ ...base, key: `${key}:assistant`, role: 'assistant', ...(model ? { model } : {}), ...status, parts });
  }
  for (const [call, value] of Object.entries(object(metadata['toolCallResults']))) {
    const output = array(object(value)['content'])
      .map((one) => text(object(one)['value']))
      .join('');
    facts.push({ ...base, key: `${key}:${call}`, role: 'tool', parts: [{ type: 'tool-result', id: call, output }] });
  }
  const [input, output] = [count(metadata['promptTokens']), count(metadata['outputTokens'])];
  if (input + output === 0) return facts;
  const usage = { input, output, cacheRead: 0, cacheWrite: 0, reasoning: 0 };
  const message = `${key}:assistant`;
  return [...facts, { kind: 'usage', session, key, message, ...(model ? { model } : {}), time: base.time, usage }];
}

/** The parts of an answer; text comes in fragments that belong together. */
function responseParts(response: JsonObject[], metadata: JsonObject): RawPart[] {
  const parts: RawPart[] = [];
  for (const item of response) {
    const said = fragment(item);
    const last = parts.at(-1);
    if (said !== undefined && last?.type === 'text') last.text += said;
    else if (said !== undefined) parts.push({ type: 'text', text: said });
    else if (item['kind'] === 'thinking') parts.push({ type: 'reasoning', text: joined(item['value']) });
    else if (item['kind'] === 'toolInvocationSerialized') parts.push(toolCall(item, metadata));
  }
  return parts;
}

function fragment(item: JsonObject): string | undefined {
  if (item['kind'] === undefined) return optionalText(item['value']);
  if (item['kind'] === 'markdownContent') return optionalText(object(item['content'])['value']);
  return item['kind'] === 'inlineReference' ? optionalText(item['name']) : undefined;
}

function joined(value: unknown): string {
  return Array.isArray(value) ? value.map(text).join('') : text(value);
}

function toolCall(item: JsonObject, metadata: JsonObject): RawPart {
  const id = text(item['toolCallId']);
  const calls = array(metadata['toolCallRounds'])
    .flatMap((round) => array(object(round)['toolCalls']))
    .filter(isObject);
  const call = calls.find((one) => one['id'] === id);
  const input = call ? fromJson(call['arguments']) : object(item['toolSpecificData']);
  return { type: 'tool-call', id, name: text(item['toolId']), input };
}
