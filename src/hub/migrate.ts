import pg from 'pg';
import { DevChatError } from '../protocol/errors.ts';
import { withConnection } from './connect.ts';
import { HUB_ROLE, migrations } from './migrations.ts';

/** Keeps two programs from migrating one database at the same time; any number that nobody else uses. */
const MIGRATION_LOCK = 0x44657643;

/** PostgreSQL's code of an error. */
const INSUFFICIENT_PRIVILEGE = '42501';

/** Which version a migration began with, and where it ended. */
export interface Migrated {
  from: number;
  to: number;
}

/**
 * Brings a database to a version of the schema, each step in one transaction. Needs the rights of an owner.
 * @param connectionString of the owner
 * @param to 0 for none of the hub's tables, by default the newest
 * @param login the role that the hub will log in as, by default the owner
 * @throws {DevChatError} `newer-database`; `refused` when the owner has not the rights
 */
export async function migrate(
  connectionString: string,
  { to = migrations.length, login }: { to?: number | undefined; login?: string | undefined } = {},
): Promise<Migrated> {
  try {
    return await withConnection(connectionString, async (client) => {
      const from = await version(client);
      if (from > migrations.length) throw newerDatabase();
      let at = from;
      while (at !== to) at = await step(client, at, to);
      if (to > 0) await allowLogin(client, login);
      return { from, to };
    });
  } catch (error) {
    if ((error as { code?: unknown }).code !== INSUFFICIENT_PRIVILEGE) throw error;
    const message = `The database does not allow it (${(error as Error).message}). Run “devchat hub migrate” as its owner.`;
    throw new DevChatError('refused', message, { cause: error });
  }
}

/** The version of the hub's tables in a database; 0 when there are none. */
export function schemaVersion(connectionString: string): Promise<number> {
  return withConnection(connectionString, version);
}

/** One step towards `to`; returns the version it led to, which another program may have reached in between. */
async function step(client: pg.Client, expected: number, to: number): Promise<number> {
  await client.query('BEGIN');
  try {
    await client.query('SELECT pg_advisory_xact_lock($1)', [MIGRATION_LOCK]);
    await client.query('SET LOCAL search_path = public, pg_temp');
    await client.query(
      'CREATE TABLE IF NOT EXISTS schema_migrations(version integer PRIMARY KEY, applied_at timestamptz)',
    );
    const present = await version(client);
    const next = present + Math.sign(to - present);
    if (present === expected && next !== present) await change(client, present, next);
    await client.query('COMMIT');
    return present === expected ? next : present;
  } catch (error) {
    await client.query('ROLLBACK');
    throw error;
  }
}

async function change(client: pg.Client, present: number, next: number): Promise<void> {
  const migration = migrations[Math.min(present, next)];
  if (!migration) throw newerDatabase();
  if (next > present) {
    await client.query(migration.up);
    await client.query('INSERT INTO schema_migrations VALUES ($1, now())', [next]);
    await client.query('GRANT SELECT ON schema_migrations TO PUBLIC');
  } else {
    await client.query(migration.down);
    await client.query('DELETE FROM schema_migrations WHERE version = $1', [present]);
    if (next === 0) await client.query('DROP TABLE schema_migrations');
  }
}

async function version(client: pg.Client): Promise<number> {
  const { rows } = await client.query(`SELECT to_regclass('public.schema_migrations') IS NOT NULL AS known`);
  if (!rows[0].known) return 0;
  const { rows: versions } = await client.query(
    'SELECT coalesce(max(version), 0) AS version FROM public.schema_migrations',
  );
  return versions[0].version;
}

/** Lets the role that logs in become the one that the hub works as. */
async function allowLogin(client: pg.Client, login: string | undefined): Promise<void> {
  const { rows } = await client.query('SELECT coalesce($1, current_user::text) AS login', [login]);
  const member = await client.query('SELECT pg_has_role($1, $2, $3) AS is', [rows[0].login, HUB_ROLE, 'MEMBER']);
  if (!member.rows[0].is) await client.query(`GRANT ${HUB_ROLE} TO ${pg.escapeIdentifier(rows[0].login)}`);
}

function newerDatabase(): DevChatError {
  return new DevChatError('newer-database', 'The database was made by a newer version of the hub. Update this one.');
}
