import { randomBytes, randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import type Sqlite from 'better-sqlite3';
import { DevChatError } from '../protocol/errors.ts';
import { APPLICATION_ID, migrations, SCHEMA_VERSION } from './schema.ts';

/**
 * Brings a database to the newest schema this program knows, each step in one transaction after a backup; a new one in
 * one transaction with all of them.
 * @returns why the database may only be read, in words for the user; null when it may be written
 * @throws {DevChatError} `newer-database` when this program cannot even read it
 */
export function migrate(sqlite: Sqlite.Database, steps: readonly string[] = migrations): string | null {
  while (schemaOf(sqlite) < steps.length) migrateOnce(sqlite, steps);
  const { reader, writer } = requiredVersions(sqlite);
  if (reader > SCHEMA_VERSION) {
    throw new DevChatError(
      'newer-database',
      'The chat history was written by a newer version of DevChat, which this version cannot read. Update DevChat here.',
    );
  }
  if (writer <= SCHEMA_VERSION) return null;
  return 'The chat history is in use by a newer version of DevChat: here it can only be read. Update DevChat to write.';
}

function migrateOnce(sqlite: Sqlite.Database, steps: readonly string[]): void {
  const from = schemaOf(sqlite);
  const to = from === 0 ? steps.length : from + 1;
  if (from > 0) backUp(sqlite, from);
  sqlite
    .transaction(() => {
      // Another window may have migrated between the look and the lock.
      if (schemaOf(sqlite) !== from) return;
      for (const step of steps.slice(from, to)) sqlite.exec(step);
      if (from === 0) {
        const insert = sqlite.prepare('INSERT INTO meta(key, value) VALUES (?, ?)');
        for (const entry of newMeta()) insert.run(entry);
        sqlite.pragma(`application_id = ${APPLICATION_ID}`);
      }
      sqlite.pragma(`user_version = ${to}`);
    })
    .immediate();
}

function schemaOf(sqlite: Sqlite.Database): number {
  return Number(sqlite.pragma('user_version', { simple: true }));
}

/** What every database says of itself, as a new one says it. */
export function newMeta(): Map<string, string> {
  return new Map([
    ['db_epoch', randomUUID()],
    ['min_reader', '1'],
    ['min_writer', '1'],
    ['pruned_through', '0'],
    ['peer_secret', randomBytes(32).toString('hex')],
  ]);
}

function requiredVersions(sqlite: Sqlite.Database): { reader: number; writer: number } {
  const value = sqlite.prepare('SELECT value FROM meta WHERE key = ?').pluck();
  return { reader: Number(value.get('min_reader') ?? 1), writer: Number(value.get('min_writer') ?? 1) };
}

/** Copies the database beside itself, for this user alone, under a name that no other copy has. */
function backUp(sqlite: Sqlite.Database, schema: number): void {
  const path = `${sqlite.name}.schema-${schema}-${Date.now()}-${process.pid}.bak`;
  // VACUUM INTO accepts an empty file, and thus one whose mode is right before anything is in it.
  writeFileSync(path, '', { mode: 0o600, flag: 'wx' });
  sqlite.prepare('VACUUM INTO ?').run(path);
}
