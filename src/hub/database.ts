import pg from 'pg';
import { DevChatError } from '../protocol/errors.ts';
import { HUB_ROLE } from './migrations.ts';
import type { Member } from './tokens.ts';

/** What statements are sent to. */
export interface Sql {
  query(text: string, values?: unknown[]): Promise<pg.QueryResult>;
}

/**
 * What the parts of a transaction are given to work with. Statements are done in the order of the calls; those that are
 * sent without waiting for the answers to the ones before share their round trip.
 */
export interface Transaction extends Sql {
  /**
   * The last statement, and the COMMIT in the same round trip: nobody looks at the answer before, so what must not be
   * committed has to fail by itself.
   */
  last(text: string, values: unknown[]): Promise<pg.QueryResult>;
}

/** Most connections to PostgreSQL for requests; one more is for notifications. */
export const MAX_CONNECTIONS = 10;

/** How often a transaction is tried that another one got in the way of. */
const MAX_ATTEMPTS = 5;

/** How much longer than PostgreSQL itself the hub waits for a statement's end, before it gives up the connection. */
const PATIENCE = 1.2;

const INT8 = 20;

/** Numbers of events stay far below 2^53. */
const types = {
  getTypeParser: (oid: number, format: 'text' | 'binary') =>
    oid === INT8 ? Number : pg.types.getTypeParser(oid, format as 'text'),
} as pg.CustomTypesConfig;

/**
 * How the hub connects: as the role that row-level security binds, from the first statement on.
 * @param timeout time for a statement, and for the pause to the next one in a transaction, in ms: what takes longer would
 * hold up a workspace's writers
 */
export function connectionSettings(connectionString: string, timeout: number): pg.ClientConfig {
  const url = new URL(connectionString);
  const settings = {
    role: HUB_ROLE,
    statement_timeout: timeout,
    idle_in_transaction_session_timeout: timeout,
  };
  const options = Object.entries(settings).map(([name, value]) => `-c ${name}=${value}`);
  url.searchParams.set('options', [url.searchParams.get('options') ?? '', ...options].join(' ').trim());
  return {
    connectionString: url.href,
    connectionTimeoutMillis: timeout,
    // PostgreSQL cannot tell a timeout to who cannot hear it.
    query_timeout: timeout * PATIENCE,
    keepAlive: true,
    types,
    application_name: 'devchat-hub',
  };
}

/** The hub's connections to PostgreSQL. */
export class Database {
  readonly #pool: pg.Pool;
  /** Under which names the connections keep the plans of statements, by text. */
  readonly #names = new Map<string, string>();

  /**
   * @param timeout time for a statement, in ms
   * @param failed told of connections that break; the next request makes another one
   */
  constructor(connectionString: string, timeout: number, failed: (error: Error) => void) {
    const settings = connectionSettings(connectionString, timeout);
    this.#pool = new pg.Pool({ ...settings, pipeline: true, max: MAX_CONNECTIONS });
    // The pool speaks for idle connections only; unheard, the end of a busy one would end the process.
    this.#pool.on('error', failed);
    this.#pool.on('connect', (client) => client.on('error', failed));
  }

  /** How many requests wait for a connection. */
  get waiting(): number {
    return this.#pool.waitingCount;
  }

  /**
   * Makes sure that row-level security binds the hub.
   * @throws {DevChatError} `refused`
   */
  async assertBound(): Promise<void> {
    const { rows } = await this.query(
      `SELECT r.rolsuper OR r.rolbypassrls OR EXISTS (
         SELECT FROM pg_class c WHERE c.relname = 'messages' AND c.relowner = r.oid) AS unbound
       FROM pg_roles r WHERE r.rolname = current_user`,
    );
    if (!rows[0].unbound) return;
    throw new DevChatError(
      'refused',
      `The role ${HUB_ROLE} must be no superuser, own no table and not bypass row security.`,
    );
  }

  /** One statement outside of any workspace. */
  query(text: string, values?: unknown[]): Promise<pg.QueryResult> {
    return this.#pool.query(this.#prepared(text, values));
  }

  /** Writes in a member's workspace, in one transaction; `work` is done again when another transaction gets in its way. */
  async write<T>(member: Member, work: (sql: Transaction) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        // What waits for a lock must then see what its holder has committed.
        return await this.#transaction('READ COMMITTED', member, work);
      } catch (error) {
        if (attempt === MAX_ATTEMPTS || !isCollision(error)) throw error;
      }
    }
  }

  /** Reads in a member's workspace, everything as of one moment. */
  read<T>(member: Member, work: (sql: Transaction) => Promise<T>): Promise<T> {
    return this.#transaction('REPEATABLE READ, READ ONLY', member, work);
  }

  close(): Promise<void> {
    return this.#pool.end();
  }

  async #transaction<T>(mode: string, { proof }: Member, work: (sql: Transaction) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect();
    let isBroken = false;
    try {
      const token = pg.escapeLiteral(proof);
      const begun = client.query(`BEGIN ISOLATION LEVEL ${mode}; SELECT set_config('devchat.token', ${token}, true)`);
      let committed: Promise<unknown> | undefined;
      const transaction: Transaction = {
        query: (text, values) => client.query(this.#prepared(text, values)),
        last: async (text, values) => {
          const answered = transaction.query(text, values);
          // After a statement that has failed, this rolls back.
          committed = client.query('COMMIT');
          const [answer] = await Promise.all([answered, committed]);
          return answer;
        },
      };
      const [, result] = await Promise.all([begun, work(transaction)]);
      await (committed ?? client.query('COMMIT'));
      return result;
    } catch (error) {
      // Only a connection on which PostgreSQL itself has refused something is known to be sound.
      isBroken = !(error instanceof pg.DatabaseError) || !(await rolledBack(client));
      throw error;
    } finally {
      client.release(isBroken);
    }
  }

  /** Has PostgreSQL plan a statement once for each connection: that takes longer than to do it. */
  #prepared(text: string, values: unknown[] = []): pg.QueryConfig {
    const name = this.#names.get(text) ?? `hub_${this.#names.size + 1}`;
    this.#names.set(text, name);
    return { name, text, values };
  }
}

function rolledBack(client: pg.PoolClient): Promise<boolean> {
  return client.query('ROLLBACK').then(
    () => true,
    () => false,
  );
}

/** Two made the same row, deadlocked, or were not serialisable: the second attempt sees what the other has done. */
function isCollision(error: unknown): boolean {
  return ['23505', '40P01', '40001'].includes(String((error as { code?: unknown }).code));
}
