import type { FileState, JsonObject, RawPart } from '../adapter.ts';

/** A value as an object; an empty one when it is none. */
export function object(value: unknown): JsonObject {
  return isObject(value) ? value : {};
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function array(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

/** A value as text; empty when it is none. */
export function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** A value as text that is not empty. */
export function optionalText(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** A value as a count. */
export function count(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) && value > 0 ? Math.floor(value) : 0;
}

/** A time as Unix ms, given as that or in ISO 8601; 0 when it is neither, or no date can hold it. */
export function time(value: unknown): number {
  const ms = new Date(typeof value === 'number' ? value : text(value)).getTime();
  return ms > 0 ? ms : 0;
}

/** JSON text as the value it stands for; other text as it is. */
export function fromJson(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value);
  } catch {
    // Not every agent writes arguments as JSON.
    return value;
  }
}

/** An image in base64. */
export function image(mediaType: unknown, data: unknown): RawPart {
  return { type: 'image-data', mediaType: optionalText(mediaType) ?? 'application/octet-stream', data: text(data) };
}

/** Keeps what holds from here on; what is not told stays as it was. */
export function remember(state: FileState, told: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(told)) state[name] = optionalText(value) ?? state[name];
}

/** What an error says; some are wrapped in others. */
export function errorMessage(value: unknown): string | undefined {
  const { message, error } = object(value);
  return optionalText(message) ?? (isObject(error) ? errorMessage(error) : undefined);
}

/** The text of several parts, joined; what is no text is left out. */
export function joinTexts(texts: readonly string[]): string {
  return texts.filter((one) => one !== '').join('\n\n');
}
