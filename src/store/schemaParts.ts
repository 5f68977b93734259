import Sqlite from 'better-sqlite3';
import type { Database } from './database.ts';
import { migrate } from './migrate.ts';
import { migrations } from './schema.ts';

/** A table, index or trigger by its name, or a column by that of its table and its own. */
export interface SchemaPart {
  kind: 'table' | 'index' | 'trigger' | 'column';
  name: string;
  /** What makes it; null for what its table makes. */
  sql: string | null;
}

/** Parts of the schemas that were asked for, by the number of the schema. */
const known = new Map<number, SchemaPart[]>();

/** What a database lacks of what its schema says: none of it ever goes of itself, nor do later versions remove any. */
export function missingParts(db: Pick<Database, 'sql'>): SchemaPart[] {
  const schema = Math.min(Number(db.sql('PRAGMA user_version').pluck().get()), migrations.length);
  const expected = known.get(schema) ?? freshParts(schema);
  known.set(schema, expected);
  const present = new Set(partsOf(db).map(keyOf));
  const hasTable = (column: string) => present.has(`table ${column.split('.')[0]}`);
  return expected.filter((part) => !present.has(keyOf(part)) && (part.kind !== 'column' || hasTable(part.name)));
}

/** Whether rows are lost with a part; the others are only derived. */
export function holdsRows({ kind }: SchemaPart): boolean {
  return kind === 'table' || kind === 'column';
}

function freshParts(schema: number): SchemaPart[] {
  const sqlite = new Sqlite(':memory:');
  try {
    if (schema > 0) migrate(sqlite, migrations.slice(0, schema));
    return partsOf({ sql: (text) => sqlite.prepare(text) });
  } finally {
    sqlite.close();
  }
}

function partsOf(db: Pick<Database, 'sql'>): SchemaPart[] {
  return db
    .sql(
      `SELECT type AS kind, name, sql FROM sqlite_schema WHERE name NOT GLOB 'sqlite_*'
         AND name NOT IN (SELECT name FROM pragma_table_list WHERE type = 'shadow')
       UNION ALL
       SELECT 'column', t.name || '.' || c.name, NULL
       FROM pragma_table_list t JOIN pragma_table_info(t.name) c WHERE t.schema = 'main' AND t.type = 'table'`,
    )
    .all() as SchemaPart[];
}

function keyOf({ kind, name }: SchemaPart): string {
  return `${kind} ${name}`;
}
