import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DevChatError, errorText } from '../protocol/errors.ts';
import type { Source } from '../protocol/ingest.ts';
import type { JsonObject } from './adapter.ts';
import { isObject } from './adapters/fields.ts';
import { recordsIn } from './records.ts';
import { canonical, type FoundFile, look } from './roots.ts';

/** How much of a file is looked at to tell whose it is, in bytes. */
const MAX_LOOK = 1 << 20;

/** What only the records of one agent have, in the order in which to ask. */
const marks: [Source, (record: JsonObject) => boolean][] = [
  [
    'codex',
    ({ payload, type, record_type: state }) => (isObject(payload) && typeof type === 'string') || state !== undefined,
  ],
  [
    'codex',
    ({ id, timestamp, instructions }) =>
      typeof id === 'string' && timestamp !== undefined && instructions !== undefined,
  ],
  ['copilot-cli', ({ data, type }) => isObject(data) && /^(?:session|user|assistant|tool)\./u.test(String(type))],
  ['vscode-chat', ({ kind, v, requests }) => (typeof kind === 'number' && v !== undefined) || Array.isArray(requests)],
  [
    'gemini',
    ({ projectHash, $set: set, messages }) => projectHash !== undefined || set !== undefined || Array.isArray(messages),
  ],
  ['claude-code', ({ uuid, sessionId }) => typeof uuid === 'string' && typeof sessionId === 'string'],
];

/**
 * The transcripts that are, or lie in, the given paths.
 * @throws {DevChatError} `not-found`, or `bad-request` when a file is no transcript of a known agent or cannot be read
 */
export async function findImports(paths: readonly string[]): Promise<FoundFile[]> {
  const files: FoundFile[] = [];
  for (const path of paths.map(canonical)) {
    const stats = await stat(path).catch(() => undefined);
    if (!stats) throw new DevChatError('not-found', `There is no file or folder ${path}.`);
    if (stats.isDirectory()) files.push(...(await findIn(path)));
    else files.push(...(await recognise(path)));
    if (files.length === 0) throw new DevChatError('bad-request', `${path} holds no transcript of a known agent.`);
  }
  return files;
}

async function findIn(directory: string): Promise<FoundFile[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const candidates = entries.filter(
    (entry) => !entry.isDirectory() && /\.(?:json|jsonl|jsonl\.zst)$/u.test(entry.name),
  );
  const files: FoundFile[] = [];
  for (const path of candidates.map(({ parentPath, name }) => join(parentPath, name)).sort())
    files.push(...(await recognise(path)));
  return files;
}

async function recognise(path: string): Promise<FoundFile[]> {
  try {
    const source = path.endsWith('.zst') ? 'codex' : sourceOf(await beginningOf(path));
    return source ? await look(path, source) : [];
  } catch (cause) {
    throw new DevChatError(
      'bad-request',
      `The file ${path} cannot be read (${errorText(cause)}). Nothing was imported; make it readable, or name the others.`,
      { cause },
    );
  }
}

/** Whose transcript a text is the beginning of. */
export function sourceOf(beginning: string): Source | undefined {
  const lines = [beginning, ...beginning.split('\n')];
  for (const line of lines) {
    for (const found of recordsIn(line)) {
      const mark = 'record' in found && marks.find(([, fits]) => fits(found.record));
      if (mark) return mark[0];
    }
  }
  return undefined;
}

async function beginningOf(path: string): Promise<string> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(MAX_LOOK), 0, MAX_LOOK, 0);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}
