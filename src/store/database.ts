import { realpathSync, renameSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { DevChatError, errorText } from '../protocol/errors.ts';
import { BUSY_TIMEOUT, retryWhileBusy } from './busy.ts';
import { changeHead } from './changeLog.ts';
import { copyPages } from './copyPages.ts';
import { isEpoch } from './epoch.ts';
import { type FileIdentity, fileIdentity, isSameFile, makePrivateDirectory } from './files.ts';
import { migrate } from './migrate.ts';
import { assertLocalFileSystem, currentMounts, type Mount } from './mounts.ts';
import { assertOurs, makePrivateFile } from './ownership.ts';
import { isUnwritable, openForReading, PROBE } from './readOnly.ts';
import { HighWaterMark } from './recovery/highWaterMark.ts';
import { assertSqliteVersion } from './runtime.ts';
import { SCHEMA_VERSION } from './schema.ts';
import { explainSqlite } from './sqliteErrors.ts';

/** Ends of the names of the files beside the database: the write-ahead log and its index. */
const LOG_SUFFIX = '-wal';
const INDEX_SUFFIX = '-shm';
const LOG_SUFFIXES = [LOG_SUFFIX, INDEX_SUFFIX];

/** Length of the write-ahead log beyond which something is wrong, in bytes. */
export const MAX_LOG = 1 << 26;

/** A prepared statement; parameters by position or one object by name. */
export type Statement = Sqlite.Statement<unknown[], unknown>;

/** How a write is made durable. */
export interface WriteOptions {
  isRepeatable?: boolean;
}

/** One open chat database: short synchronous reads, and writes one after the other. */
export class Database {
  readonly path: string;
  /** Why nothing may be written for as long as this is open, in words for the user; null when writing is allowed. */
  readonly readOnlyReason: string | null;
  /** Whether the reason is the file or its place, and may pass. */
  readonly isUnwritable: boolean;
  /** Called whenever {@link writeProblem} has become another one. */
  onWriteProblem: (() => void) | undefined;
  readonly #sqlite: Sqlite.Database;
  /** Runs a function in a transaction; made once, because making one takes longer than a short one takes. */
  readonly #transaction: Sqlite.Transaction<(body: () => unknown) => unknown>;
  readonly #mark: HighWaterMark | undefined;
  /** Its epoch when it was opened. */
  readonly #epoch: string;
  readonly #files: ReadonlyMap<string, FileIdentity | undefined>;
  readonly #statements = new Map<string, Statement>();
  #lastWrite: Promise<unknown> = Promise.resolve();
  #writeProblem: string | null = null;
  #newestChange = 0;
  #durableWriteAt = Number.NEGATIVE_INFINITY;

  private constructor(
    sqlite: Sqlite.Database,
    path: string,
    readOnlyReason: string | null,
    { isUnwritable: unwritable }: { isUnwritable: boolean },
  ) {
    this.#sqlite = sqlite;
    this.#transaction = sqlite.transaction((body: () => unknown) => body());
    this.path = path;
    this.readOnlyReason = readOnlyReason;
    this.isUnwritable = unwritable;
    this.#files = new Map(['', ...LOG_SUFFIXES].map((suffix) => [suffix, fileIdentity(path + suffix)]));
    this.#epoch = this.epoch();
    if (readOnlyReason === null) this.#mark = new HighWaterMark(path, this.#epoch);
  }

  /**
   * Opens the database, creating or migrating it first; one that cannot be written is opened for reading. A file that
   * is not a chat database stays as it is.
   * @param path absolute path of the file
   * @throws {DevChatError} `network-file-system`, `unsupported-sqlite`, `newer-database`, `busy`, `read-only`,
   *   `corrupt`, `bad-request` (another program's database), …
   */
  static async open(path: string, mounts: () => readonly Mount[] = currentMounts): Promise<Database> {
    try {
      makePrivateDirectory(dirname(path));
      assertLocalFileSystem(realpathSync(dirname(path)), mounts());
      makePrivateFile(path);
      return await Database.#openWritable(path);
    } catch (error) {
      const opened = isUnwritable(error) ? openForReading(path) : undefined;
      if (!opened) throw error;
      return new Database(opened, path, errorText(error), { isUnwritable: true });
    }
  }

  static async #openWritable(path: string): Promise<Database> {
    let sqlite: Sqlite.Database | undefined;
    try {
      await retryWhileBusy(() => assertOurs(path, BUSY_TIMEOUT));
      sqlite = new Sqlite(path, { timeout: BUSY_TIMEOUT });
      const opened = sqlite;
      // Two windows may switch a new file to WAL at the same moment, and one of them finds it locked.
      const version = await retryWhileBusy(() => opened.prepare('SELECT sqlite_version()').pluck().get());
      assertSqliteVersion(String(version));
      await retryWhileBusy(() => opened.pragma('journal_mode = WAL'));
      // NORMAL loses acknowledged commits at a power loss.
      opened.pragma('synchronous = FULL');
      opened.pragma('foreign_keys = ON');
      // What is deleted or replaced is overwritten, so that nobody finds it in the file.
      opened.pragma('secure_delete = ON');
      opened.pragma(`journal_size_limit = ${MAX_LOG}`);
      const readOnlyReason = await retryWhileBusy(() => migrate(opened));
      if (readOnlyReason) opened.pragma('query_only = ON');
      return new Database(opened, path, readOnlyReason, { isUnwritable: false });
    } catch (error) {
      sqlite?.close();
      throw explainSqlite(error, path);
    }
  }

  /** The prepared statement for this text; prepared once. */
  sql(text: string): Statement {
    let statement = this.#statements.get(text);
    if (!statement) {
      statement = this.#sqlite.prepare<unknown[], unknown>(text);
      this.#statements.set(text, statement);
    }
    return statement;
  }

  /** Runs a function in one read transaction, the one that is open if there is one: all it reads is of the same moment. */
  read<T>(body: () => T): T {
    // A savepoint would take as long as one of the queries.
    if (this.#sqlite.inTransaction) return body();
    try {
      return this.#transaction.deferred(body) as T;
    } catch (error) {
      throw explainSqlite(error, this.path);
    }
  }

  /**
   * Runs a function in one `BEGIN IMMEDIATE` transaction, after all writes asked for before, and resolves when it is
   * durable in the file that the path leads to. While another process writes, it is tried again.
   * @param options `isRepeatable`: whether it is done again should a power loss undo it; then it is not waited for until
   *   it is on the disk, and counts as acknowledged only with the next write that is
   * @throws {DevChatError} `read-only`, `newer-database`, `busy`, `disk-full`, `database-replaced`, …; then
   *   nothing was acknowledged
   */
  write<T>(body: () => T, { isRepeatable = false }: WriteOptions = {}): Promise<T> {
    const result = this.#lastWrite.then(() => this.#writeNow(body, isRepeatable));
    // The queue goes on after a failure; the failure itself reaches the caller through `result`.
    this.#lastWrite = result.catch(() => undefined);
    return result;
  }

  async #writeNow<T>(body: () => T, isRepeatable: boolean): Promise<T> {
    if (this.readOnlyReason) throw new DevChatError('read-only', this.readOnlyReason);
    this.#assertInPlace();
    const checked = () => {
      this.#assertMayWrite();
      return { result: body(), head: changeHead(this) };
    };
    const run = () => this.#transaction.immediate(checked) as ReturnType<typeof checked>;
    try {
      const { result, head } = await retryWhileBusy(isRepeatable ? () => this.#withoutSync(run) : run);
      this.#assertInPlace();
      this.#newestChange = head;
      if (!isRepeatable) {
        this.#mark?.raise(head);
        this.#durableWriteAt = performance.now();
      }
      this.#setWriteProblem(null);
      return result;
    } catch (cause) {
      const error = explainSqlite(cause, this.path);
      if (isUnwritable(error)) this.#setWriteProblem(errorText(error));
      throw error;
    }
  }

  #withoutSync<T>(run: () => T): T {
    this.#sqlite.pragma('synchronous = NORMAL');
    try {
      return run();
    } finally {
      this.#sqlite.pragma('synchronous = FULL');
    }
  }

  /** Why nothing can be saved at present, in words for the user: the last write found no room, or no permission. */
  get writeProblem(): string | null {
    return this.readOnlyReason ?? this.#writeProblem;
  }

  /** Id of the newest change at the last write here; 0 before that. */
  get newestChange(): number {
    return this.#newestChange;
  }

  /** When a write that must not be lost was last made here, by the clock of `performance.now()`; before, -Infinity. */
  get durableWriteAt(): number {
    return this.#durableWriteAt;
  }

  #setWriteProblem(problem: string | null): void {
    if (problem === this.#writeProblem) return;
    this.#writeProblem = problem;
    this.onWriteProblem?.();
  }

  /** Writes something of no meaning, to find out whether writing has become possible again. */
  async probe(): Promise<void> {
    await this.write(() => this.sql(PROBE).run(Date.now()));
  }

  /**
   * Writes the log back into the file and empties it, as far as no reader needs it.
   * @returns the log's length afterwards, in bytes
   */
  checkpoint(): number {
    this.#sqlite.pragma('wal_checkpoint(TRUNCATE)');
    return statSync(`${this.path}${LOG_SUFFIX}`, { throwIfNoEntry: false })?.size ?? 0;
  }

  /** Pages of the log that are not written back yet. */
  logLength(): number {
    const [state] = this.#sqlite.pragma('wal_checkpoint(NOOP)') as { log: number; checkpointed: number }[];
    return state ? state.log - state.checkpointed : 0;
  }

  /** What tells this database from every other, and from itself after it has lost something. */
  epoch(): string {
    return String(this.sql(`SELECT value FROM meta WHERE key = 'db_epoch'`).pluck().get());
  }

  /**
   * Copies the database as it is at this moment into a new file without a log, in small steps between which this
   * process answers others. Nobody has to wait with writing.
   */
  async copyTo(path: string): Promise<void> {
    // One snapshot holds for the whole copy. Where nobody else can have it, there is only this connection.
    const source = this.isOpenToOthers() ? new Sqlite(this.path, { readonly: true }) : this.#sqlite;
    try {
      if (source !== this.#sqlite) source.exec('BEGIN; SELECT 1 FROM meta');
      await copyPages(source, path);
    } catch (error) {
      throw explainSqlite(error, path);
    } finally {
      if (source !== this.#sqlite) source.close();
    }
  }

  /**
   * To be called in the transaction that writes: a newer version may have claimed the database since it was opened here, or
   * another one may have been copied over it.
   */
  #assertMayWrite(): void {
    // At once: every write asks.
    const { epoch, minWriter } = this.sql(
      `SELECT (SELECT value FROM meta WHERE key = 'db_epoch') AS epoch,
         (SELECT value FROM meta WHERE key = 'min_writer') AS minWriter`,
    ).get() as { epoch: unknown; minWriter: unknown };
    if (Number(minWriter) > SCHEMA_VERSION) throw newerDatabase();
    if (!this.#isOwn(String(epoch))) throw this.#replaced();
  }

  /**
   * Whether the path still leads to the open file, and the names beside it to its open log and to the index of that:
   * writes to an unlinked or replaced one succeed and are lost, and who does not share the index does not share the locks.
   */
  isInPlace(): boolean {
    return this.isWhole() && this.#isStillOurs(INDEX_SUFFIX);
  }

  /**
   * Whether the open file names no other database than it did: SQLite copies one over another in place. One whose epoch was
   * lost is still itself.
   */
  isItself(): boolean {
    return this.#isOwn(this.epoch());
  }

  #isOwn(epoch: string): boolean {
    return epoch === this.#epoch || !isEpoch(epoch);
  }

  /** Whether who opens the path finds everything that is stored. */
  isWhole(): boolean {
    return this.#isOurs('') && this.#isStillOurs(LOG_SUFFIX);
  }

  /**
   * Whether another connection to the path may be had, and sees what this one does. Beside an empty file SQLite would
   * remove the log, which still holds everything.
   */
  isOpenToOthers(): boolean {
    const { size } = statSync(this.path, { throwIfNoEntry: false }) ?? { size: 0 };
    return size > 0 && this.isInPlace() && !this.isUnwritable;
  }

  #isStillOurs(suffix: string): boolean {
    return this.#files.get(suffix) === undefined || this.#isOurs(suffix);
  }

  /** Whether a path leads to the open file. */
  isFile(path: string): boolean {
    return isSameFile(this.#files.get(''), fileIdentity(path));
  }

  #isOurs(suffix: string): boolean {
    return isSameFile(this.#files.get(suffix), fileIdentity(this.path + suffix));
  }

  #assertInPlace(): void {
    if (!this.isInPlace()) throw this.#replaced();
  }

  #replaced(): DevChatError {
    return new DevChatError(
      'database-replaced',
      `The chat database ${this.path} was deleted or replaced while it was open, so this may not have been saved. Try again.`,
    );
  }

  /** A number that differs from an earlier answer when another connection has committed since; costs no disk access. */
  dataVersion(): number {
    return Number(this.#sqlite.pragma('data_version', { simple: true }));
  }

  /** Closes the file after the writes that are under way. */
  async close(): Promise<void> {
    await this.#lastWrite;
    try {
      if (!this.#isOurs('')) await this.#setLogAside();
    } catch (error) {
      throw explainSqlite(error, this.path);
    } finally {
      this.#sqlite.close();
      this.#mark?.close();
    }
  }

  /**
   * Takes the log of a file that was replaced out of the way: SQLite would take it for its successor's, and show, and
   * at last write there, the pages of the old file. The old file's lock keeps others that have it open from doing the
   * same: a little later they would find the successor's log.
   */
  async #setLogAside(): Promise<void> {
    const suffixes = LOG_SUFFIXES.filter((suffix) => this.#isOurs(suffix));
    if (suffixes.length === 0) return;
    const move = this.#sqlite.transaction(() => {
      for (const suffix of suffixes.filter((one) => this.#isOurs(one))) {
        renameSync(this.path + suffix, `${this.path}.replaced-${Date.now()}${suffix}`);
      }
    });
    await retryWhileBusy(() => move.immediate());
  }
}

function newerDatabase(): DevChatError {
  return new DevChatError(
    'newer-database',
    'A newer version of DevChat has taken over the chat history. Nothing was saved; update DevChat here to write.',
  );
}

/** The database file of a workspace that is kept in the folder `directory`. */
export function databaseFile(directory: string): string {
  return join(directory, 'chat.db');
}
