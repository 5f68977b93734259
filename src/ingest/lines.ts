/** Longest line that is read, in bytes; a longer one is quarantined unread. */
export const MAX_LINE = 64 << 20;

const NEWLINE = 0x0a;

/** One line of a file, without its end. */
export interface Line {
  /** Empty when the line is too long. */
  bytes: Buffer;
  /** Where it begins in the file, in bytes. */
  position: number;
  /** Where the next one begins. */
  end: number;
  /** Length in bytes, also of a line that is too long. */
  size: number;
  /** Whether its end was seen: the last line may still be growing. */
  isEnded: boolean;
}

/**
 * Cuts bytes into lines at byte 0x0A only: a character may lie across two chunks, a line never ends within one.
 * @param position where the first chunk begins in the file
 */
export async function* linesOf(
  chunks: AsyncIterable<Buffer>,
  position: number,
  maxLine = MAX_LINE,
): AsyncGenerator<Line> {
  let pending: Buffer[] = [];
  let size = 0;
  let start = position;
  const add = (part: Buffer) => {
    size += part.length;
    if (size <= maxLine) pending.push(part);
    else pending = [];
  };
  const take = (isEnded: boolean): Line => {
    const bytes = pending.length === 1 ? (pending[0] as Buffer) : Buffer.concat(pending);
    const line = { bytes, position: start, end: start + size + (isEnded ? 1 : 0), size, isEnded };
    [pending, size, start] = [[], 0, line.end];
    return line;
  };
  for await (const chunk of chunks) {
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, from)) {
      add(chunk.subarray(from, at));
      yield take(true);
      from = at + 1;
    }
    if (from < chunk.length) add(chunk.subarray(from));
  }
  if (size > 0) yield take(false);
}
