import { DevChatError } from '../../protocol/errors.ts';

const HEADER = 4;

/** One frame on the wire: its length as a 32-bit big-endian number, then JSON in UTF-8. */
export function encodeFrame(frame: object): Buffer {
  const body = Buffer.from(JSON.stringify(frame), 'utf8');
  const header = Buffer.alloc(HEADER);
  header.writeUInt32BE(body.length);
  return Buffer.concat([header, body]);
}

/** Puts whole frames together from a byte stream that may be cut anywhere. */
export class FrameDecoder {
  /** Largest frame accepted, in bytes. */
  limit: number;
  #pending: Buffer = Buffer.alloc(0);

  constructor(limit: number) {
    this.limit = limit;
  }

  /** True when bytes of an unfinished frame are waiting. */
  get isPartial(): boolean {
    return this.#pending.length > 0;
  }

  /**
   * Takes the next bytes and yields the frames that are now whole. Lazily, so that a changed {@link limit} holds
   * from the next frame on.
   * @throws {DevChatError} `bad-request` when a frame is too large or no JSON object
   */
  *push(chunk: Buffer): Generator<object> {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    while (this.#pending.length >= HEADER) {
      const length = this.#pending.readUInt32BE();
      if (length > this.limit) throw new DevChatError('bad-request', `a frame of ${length} bytes is too large`);
      if (this.#pending.length < HEADER + length) return;
      const body = this.#pending.subarray(HEADER, HEADER + length);
      this.#pending = this.#pending.subarray(HEADER + length);
      yield parseObject(body.toString('utf8'));
    }
  }
}

function parseObject(text: string): object {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new DevChatError('bad-request', 'a frame is not JSON', { cause });
  }
  if (typeof value === 'object' && value !== null) return value;
  throw new DevChatError('bad-request', 'a frame is not a JSON object');
}
