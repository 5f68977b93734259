import { DevChatError } from '../protocol/errors.ts';
import { MAX_CONTENT_LENGTH } from '../protocol/model.ts';

/**
 * Text as it is stored: lone surrogates and NUL become U+FFFD, because SQLite keeps neither faithfully.
 * @throws {DevChatError} `too-large` above {@link MAX_CONTENT_LENGTH}
 */
export function normaliseContent(text: string): string {
  if (text.length > MAX_CONTENT_LENGTH) {
    throw new DevChatError(
      'too-large',
      `A message may have at most ${MAX_CONTENT_LENGTH.toLocaleString('en')} characters, but this one has ` +
        `${text.length.toLocaleString('en')}. Shorten it, or attach the text as a file.`,
    );
  }
  return replaceUnstorable(text);
}

/**
 * Structured parts as they are stored: JSON text, or null when there are none.
 * @throws {DevChatError} `too-large` above {@link MAX_CONTENT_LENGTH}
 */
export function normaliseParts(parts: unknown): string | null {
  const json = toJson(parts);
  if (json === null || json.length <= MAX_CONTENT_LENGTH) return json;
  throw new DevChatError(
    'too-large',
    `The parts of a message may have at most ${MAX_CONTENT_LENGTH.toLocaleString('en')} characters as JSON, but these ` +
      `have ${json.length.toLocaleString('en')}. Leave large ones out, or refer to them as files.`,
  );
}

/** Parts as JSON text, whatever its length. */
export function toJson(parts: unknown): string | null {
  return parts === undefined || parts === null ? null : JSON.stringify(parts);
}

/** A title as it is stored: one trimmed line without control characters. */
export function normaliseTitle(title: string): string {
  return replaceUnstorable(title).replace(/\s+/gu, ' ').trim();
}

function replaceUnstorable(text: string): string {
  return text.toWellFormed().replaceAll('\0', '\uFFFD');
}
