import { DevChatError } from '../protocol/errors.ts';

/** Longest line of a stream that is accepted, in UTF-16 code units. */
const MAX_LINE = 1_000_000;

/**
 * The data of each event in a stream of server-sent events; names and ids of events are left out.
 * @param chunks bytes, cut anywhere
 * @throws {DevChatError} `model-failed` when a line is longer than any event of a model
 */
export async function* eventData(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let data: string[] = [];
  for await (const line of linesOf(chunks)) {
    const [, field, value = ''] = /^([^:]*)(?:: ?(.*))?$/su.exec(line) ?? [];
    if (field === 'data') data.push(value);
    if (line === '' && data.length > 0) {
      yield data.join('\n');
      data = [];
    }
  }
  // The standard drops an event without its empty line; services that end abruptly put their error there.
  if (data.length > 0) yield data.join('\n');
}

/** Lines of a text in UTF-8, which may end with CR, LF or both. */
async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of chunks) {
    rest += decoder.decode(chunk, { stream: true });
    // A CR at the end may be the first half of CR LF.
    const lines = rest.split(/\r\n|\n|\r(?!$)/u);
    rest = lines.pop() ?? '';
    yield* lines;
    if (rest.length > MAX_LINE) throw new DevChatError('model-failed', 'The model’s answer cannot be read.');
  }
  rest += decoder.decode();
  if (rest !== '') yield rest.replace(/\r$/u, '');
}
