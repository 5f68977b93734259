// Migrates the database named by the first argument by the statements of the second one, each of them alone, and dies
// after so many of them: dyingMigrationProgram FILE STEPS STATEMENTS COUNT
import Sqlite from 'better-sqlite3';
import { migrate } from '../../src/store/migrate.ts';

const [, , path = '', steps = '[]', statements = '[]', count = ''] = process.argv;
const sqlite = new Sqlite(path);
sqlite.function('die', () => process.kill(process.pid, 'SIGKILL'));
const done = (JSON.parse(statements) as string[]).slice(0, Number(count));
migrate(sqlite, [...JSON.parse(steps), [...done, 'SELECT die()'].join(';')]);
