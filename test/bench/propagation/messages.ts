/** What the bench asks of a contender's process. */
export type Command =
  | { type: 'open'; path: string; role: 'writer' | 'reader' }
  | { type: 'write'; index: number }
  | { type: 'close' };

/** What a contender's process tells the bench; `at` is in ns of the clock that all processes share. */
export type Report = { type: 'opened' } | { type: 'committed' | 'applied'; index: number; at: number };

/** One side of a way to bring rows from one process to another. */
export interface Contender {
  /** Commits a row; resolves when it is durable. */
  write?(index: number): Promise<void>;
  /** Tells the other side that there is something new. */
  tell?(): void;
  close(): Promise<void>;
}

/** Opens one side; the reader calls `applied` with every row it has read. */
export type OpenContender = (
  path: string,
  role: 'writer' | 'reader',
  applied: (index: number) => void,
) => Promise<Contender>;

/** Now, in ns of the monotonic clock of the machine. */
export const now = (): number => Number(process.hrtime.bigint());
