import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { v7 as uuid } from 'uuid';
import type { Conversation, Message, Role } from '../../src/protocol/model.ts';
import { createConversation } from '../../src/store/conversations.ts';
import { Database } from '../../src/store/database.ts';
import { addMessage } from '../../src/store/messages.ts';
import { type TempDirectory, useTempDirectory } from './tempDirectory.ts';

/** The instance that tests write as. */
export const origin = '00000000-0000-7000-8000-000000000001';

/** Databases and raw connections on one file, closed after each test. */
export interface TestDatabases {
  readonly directory: TempDirectory;
  /** Path of the database file. */
  readonly path: string;
  /** Opens the file as the product does. */
  open(): Promise<Database>;
  /** Opens the file as SQLite does, to look or to interfere. */
  raw(): Sqlite.Database;
}

/** Gives every test of the enclosing suite a database file of its own. */
export function useDatabases(): TestDatabases {
  const directory = useTempDirectory();
  return {
    directory,
    get path() {
      return join(directory.path, 'db', 'chat.db');
    },
    async open() {
      const db = await Database.open(this.path, () => []);
      directory.defer(() => db.close());
      return db;
    },
    raw() {
      const sqlite = new Sqlite(this.path);
      directory.defer(() => sqlite.close());
      return sqlite;
    },
  };
}

export function createTestConversation(db: Database, title = 'Talk'): Promise<Conversation> {
  return createConversation(db, origin, { id: uuid(), title });
}

export function addTestMessage(
  db: Database,
  conversationId: string,
  content: string,
  role: Role = 'user',
): Promise<Message> {
  return addMessage(db, origin, { conversationId, role, content });
}

/** What the change log says, oldest first. */
export function changeTypes(db: Database): string[] {
  return db.sql('SELECT change_type FROM change_log ORDER BY id').pluck().all() as string[];
}

/** A check for `assert.rejects` and `assert.throws`: an error with this reason. */
export function hasReason(reason: string): (error: unknown) => boolean {
  return (error) => error instanceof Error && (error as { reason?: unknown }).reason === reason;
}
