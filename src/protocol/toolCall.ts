import { isRecord } from './json.ts';

/** The fields that say most about a call of a tool, best first. */
const telling = ['command', 'cmd', 'file_path', 'path', 'pattern', 'query', 'url', 'prompt', 'description', 'title'];

/** The most telling part of what a tool was called with, on one line; empty when it was called with nothing. */
export function tellingInput(input: unknown): string {
  const fields = isRecord(input) ? input : { command: input };
  const told = telling.map((field) => fields[field]).find((value) => typeof value === 'string' && value.trim() !== '');
  const json = JSON.stringify(input) ?? '';
  const text = typeof told === 'string' ? told : json === '{}' ? '' : json;
  return text.replace(/\s+/gu, ' ').trim();
}
