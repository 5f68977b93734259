import { syncBuiltinESMExports } from 'node:module';
import timers from 'node:timers/promises';
import Sqlite from 'better-sqlite3';
import { DevChatError } from '../../../src/protocol/errors.ts';
import type { Database, Statement } from '../../../src/store/database.ts';
import { migrate } from '../../../src/store/migrate.ts';
import type { Machine } from '../machine.ts';
import type { Process } from '../process.ts';

/** Empty databases from earlier runs: preparing the statements anew takes longer than a run. */
const unused: SimulatedFile[] = [];

/** A machine's database, which outlives the processes that use it. All of a run is one transaction, that is undone. */
export class SimulatedFile {
  /** How many transactions were begun. */
  writes = 0;
  readonly #sqlite = new Sqlite(':memory:');
  readonly #transaction = this.#sqlite.transaction((body: () => unknown) => body());
  readonly #statements = new Map<string, Statement>();

  private constructor() {
    migrate(this.#sqlite);
    this.#sqlite.pragma('foreign_keys = ON');
  }

  /** An empty database. */
  static create(): SimulatedFile {
    const file = unused.pop() ?? new SimulatedFile();
    file.#sqlite.exec('BEGIN');
    return file;
  }

  /** Ends the use of the database. */
  remove(): void {
    this.#sqlite.exec('ROLLBACK');
    this.writes = 0;
    unused.push(this);
  }

  /** The database as one process has it open, which ends with the process, before a commit or after it. */
  openIn(process: Process): Database {
    let lastWrite: Promise<unknown> = Promise.resolve();
    const never = new Promise<never>(() => undefined);
    const writeNow = async (body: () => unknown) => {
      await process.wait(process.machine.disk());
      if (!process.step()) return never;
      this.writes++;
      const result = this.#transaction.immediate(body);
      return process.step() ? result : never;
    };
    const database: Pick<Database, 'sql' | 'read' | 'write'> = {
      sql: (text) => this.#statement(text),
      read: <T>(body: () => T) => {
        if (process.hasEnded) throw new DevChatError('unexpected', 'the process has ended');
        return this.#transaction.deferred(body) as T;
      },
      write: <T>(body: () => T) => {
        const result = lastWrite.then(() => writeNow(body));
        lastWrite = result.catch(() => undefined);
        return result as Promise<T>;
      },
    };
    // What else a database can do is of no use without a file.
    return database as Database;
  }

  #statement(text: string): Statement {
    const known = this.#statements.get(text) ?? this.#sqlite.prepare<unknown[], unknown>(text);
    this.#statements.set(text, known);
    return known;
  }
}

/** Has the pauses that the store makes by itself pass on a machine's clock. */
export function pauseOn(machine: Machine): void {
  const pause = (delay: number) => new Promise<void>((resolve) => machine.clock.after(delay, resolve));
  Object.assign(timers, { setTimeout: pause });
  syncBuiltinESMExports();
}
