import pg from 'pg';
import { DevChatError } from '../protocol/errors.ts';

/**
 * Runs a function on a connection of its own.
 * @throws {DevChatError} `offline` when the server cannot be reached or does not let this login in
 */
export async function withConnection<T>(connectionString: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString });
  await client.connect().catch((cause) => {
    const why = cause.message || cause.code;
    const message = `PostgreSQL at ${new URL(connectionString).host} cannot be used (${why}). Check DATABASE_URL.`;
    throw new DevChatError('offline', message, { cause });
  });
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
