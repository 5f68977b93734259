import { realpathSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import Sqlite from 'better-sqlite3';
import { DevChatError } from '../protocol/errors.ts';
import { type FileIdentity, fileIdentity, isSameFile, makePrivateDirectory } from './files.ts';
import { migrate } from './migrate.ts';
import { assertLocalFileSystem, currentMounts, type Mount } from './mounts.ts';
import { assertOurs, makePrivateFile } from './ownership.ts';
import { assertSqliteVersion } from './runtime.ts';
import { SCHEMA_VERSION } from './schema.ts';
import { explainSqlite, isBusy } from './sqliteErrors.ts';

/** How long SQLite itself waits for a lock, in ms: short, because it blocks the process and long waits starve others. */
const BUSY_TIMEOUT = 100;

/** How long a transaction is tried in all, in ms. */
const WRITE_DEADLINE = 10_000;

/** Ends of the names of the files beside the database: the write-ahead log and its index. */
const LOG_SUFFIXES = ['-wal', '-shm'] as const;

/** A prepared statement; parameters by position or one object by name. */
export type Statement = Sqlite.Statement<unknown[], unknown>;

/** One open chat database: short synchronous reads, and writes one after the other. */
export class Database {
  readonly path: string;
  /** Why nothing may be written, in words for the user; null when writing is allowed. */
  readonly readOnlyReason: string | null;
  readonly #sqlite: Sqlite.Database;
  readonly #files: ReadonlyMap<string, FileIdentity | undefined>;
  readonly #statements = new Map<string, Statement>();
  #lastWrite: Promise<unknown> = Promise.resolve();

  private constructor(sqlite: Sqlite.Database, path: string, readOnlyReason: string | null) {
    this.#sqlite = sqlite;
    this.path = path;
    this.readOnlyReason = readOnlyReason;
    this.#files = new Map(['', ...LOG_SUFFIXES].map((suffix) => [suffix, fileIdentity(path + suffix)]));
  }

  /**
   * Opens the database, creating or migrating it first. A file that is not a chat database stays as it is.
   * @param path absolute path of the file
   * @throws {DevChatError} `network-file-system`, `unsupported-sqlite`, `newer-database`, `busy`, `read-only`,
   *   `corrupt`, `bad-request` (another program's database), …
   */
  static async open(path: string, mounts: () => readonly Mount[] = currentMounts): Promise<Database> {
    makePrivateDirectory(dirname(path));
    assertLocalFileSystem(realpathSync(dirname(path)), mounts());
    makePrivateFile(path);
    let sqlite: Sqlite.Database | undefined;
    try {
      await retryWhileBusy(() => assertOurs(path, BUSY_TIMEOUT));
      sqlite = new Sqlite(path, { timeout: BUSY_TIMEOUT });
      const opened = sqlite;
      assertSqliteVersion(String(opened.prepare('SELECT sqlite_version()').pluck().get()));
      // Two windows may switch a new file to WAL at the same moment, and one of them finds it locked.
      await retryWhileBusy(() => opened.pragma('journal_mode = WAL'));
      // NORMAL loses acknowledged commits at a power loss.
      opened.pragma('synchronous = FULL');
      opened.pragma('foreign_keys = ON');
      opened.pragma('journal_size_limit = 67108864');
      const readOnlyReason = await retryWhileBusy(() => migrate(opened));
      if (readOnlyReason) opened.pragma('query_only = ON');
      return new Database(opened, path, readOnlyReason);
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

  /** Runs a function in one read transaction: everything it reads is of the same moment. */
  read<T>(body: () => T): T {
    try {
      return this.#sqlite.transaction(body).deferred();
    } catch (error) {
      throw explainSqlite(error, this.path);
    }
  }

  /**
   * Runs a function in one `BEGIN IMMEDIATE` transaction, after all writes asked for before, and resolves when it is
   * durable in the file that the path leads to. While another process writes, it is tried again.
   * @throws {DevChatError} `read-only`, `newer-database`, `busy`, `disk-full`, `database-replaced`, …; then
   *   nothing was acknowledged
   */
  write<T>(body: () => T): Promise<T> {
    const result = this.#lastWrite.then(() => this.#writeNow(body));
    // The queue goes on after a failure; the failure itself reaches the caller through `result`.
    this.#lastWrite = result.catch(() => undefined);
    return result;
  }

  async #writeNow<T>(body: () => T): Promise<T> {
    if (this.readOnlyReason) throw new DevChatError('read-only', this.readOnlyReason);
    this.#assertInPlace();
    let result: T;
    try {
      const checked = this.#sqlite.transaction(() => {
        this.#assertMayWrite();
        return body();
      });
      result = await retryWhileBusy(() => checked.immediate());
    } catch (error) {
      throw explainSqlite(error, this.path);
    }
    this.#assertInPlace();
    return result;
  }

  /** A newer version may have claimed the database since it was opened here. */
  #assertMayWrite(): void {
    const writer = Number(this.sql(`SELECT value FROM meta WHERE key = 'min_writer'`).pluck().get());
    if (!(writer > SCHEMA_VERSION)) return;
    throw new DevChatError(
      'newer-database',
      'A newer version of DevChat has taken over the chat history. Nothing was saved; update DevChat here to write.',
    );
  }

  /**
   * Whether the path still leads to the open file, and its name to the open write-ahead log: writes to an unlinked or
   * replaced one succeed and are lost.
   */
  isInPlace(): boolean {
    const [log] = LOG_SUFFIXES;
    return this.#isOurs('') && (this.#files.get(log) === undefined || this.#isOurs(log));
  }

  #isOurs(suffix: string): boolean {
    return isSameFile(this.#files.get(suffix), fileIdentity(this.path + suffix));
  }

  #assertInPlace(): void {
    if (this.isInPlace()) return;
    throw new DevChatError(
      'database-replaced',
      `The chat database ${this.path} was deleted or replaced while it was open. Nothing was saved; try again.`,
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

/** Calls a function until it finds the database unlocked, with pauses of random length so that rivals take turns. */
async function retryWhileBusy<T>(attempt: () => T): Promise<T> {
  const deadline = performance.now() + WRITE_DEADLINE;
  for (;;) {
    try {
      return attempt();
    } catch (error) {
      if (!isBusy(error) || performance.now() > deadline) throw error;
      await delay(2 + Math.random() * 20);
    }
  }
}

/** The database file of a workspace that is kept in the folder `directory`. */
export function databaseFile(directory: string): string {
  return join(directory, 'chat.db');
}
