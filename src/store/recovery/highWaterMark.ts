import { closeSync, constants, ftruncateSync, openSync, readFileSync, readSync, writeSync } from 'node:fs';
import * as v from 'valibot';

/** The newest change of a database that was acknowledged. */
export interface Mark {
  dbEpoch: string;
  changeId: number;
}

/** Digits of the largest change id, so that every mark has the same length and one write replaces another whole. */
const DIGITS = 16;

const Mark = v.object({
  dbEpoch: v.pipe(v.string(), v.uuid()),
  changeId: v.pipe(v.string(), v.length(DIGITS), v.digits(), v.transform(Number)),
});

const markPath = (databasePath: string) => `${databasePath}.mark`;

/** The mark beside a database; undefined when there is none that can be read. */
export function readMark(databasePath: string): Mark | undefined {
  try {
    return parse(readFileSync(markPath(databasePath), 'latin1'));
  } catch {
    // It is a second opinion: without it the database is believed.
    return undefined;
  }
}

/**
 * Keeps the newest acknowledged change in a file of its own, because a database that lost its newest commits, with its
 * write-ahead log or to an older copy of itself, looks perfectly healthy. The mark never claims too much: it is raised
 * after the commit, and two that raise it at once may leave the lower one.
 */
export class HighWaterMark {
  readonly #dbEpoch: string;
  #file: number | undefined;

  constructor(databasePath: string, dbEpoch: string) {
    this.#dbEpoch = dbEpoch;
    try {
      this.#file = openSync(markPath(databasePath), constants.O_RDWR | constants.O_CREAT, 0o600);
    } catch {
      // Where nothing can be written, nothing is acknowledged either.
      this.#file = undefined;
    }
  }

  /** Records that a change was committed. A mark that cannot be written is no reason to fail what is durable. */
  raise(changeId: number): void {
    if (this.#file === undefined) return;
    try {
      const text = format({ dbEpoch: this.#dbEpoch, changeId });
      const buffer = Buffer.alloc(text.length);
      const length = readSync(this.#file, buffer, 0, text.length, 0);
      const present = parse(buffer.toString('latin1', 0, length));
      if (present?.dbEpoch === this.#dbEpoch && present.changeId >= changeId) return;
      writeSync(this.#file, text, 0, 'latin1');
      if (!present) ftruncateSync(this.#file, text.length);
    } catch {
      // The next commit tries again.
    }
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }
}

function format({ dbEpoch, changeId }: Mark): string {
  return `${dbEpoch} ${String(changeId).padStart(DIGITS, '0')}\n`;
}

function parse(text: string): Mark | undefined {
  const [dbEpoch, changeId] = text.trimEnd().split(' ');
  const mark = v.safeParse(Mark, { dbEpoch, changeId });
  return mark.success ? mark.output : undefined;
}
