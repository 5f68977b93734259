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

/** A title as it is stored: one trimmed line without control characters. */
export function normaliseTitle(title: string): string {
  return replaceUnstorable(title).replace(/\s+/gu, ' ').trim();
}

function replaceUnstorable(text: string): string {
  return text.toWellFormed().replaceAll('\0', '\uFFFD');
}
