// Migrates the database named by the first argument with the steps in the second one, when told so on standard input.
import { once } from 'node:events';
import Sqlite from 'better-sqlite3';
import { migrate } from '../../src/store/migrate.ts';

const [, , path = '', steps = '[]'] = process.argv;
const sqlite = new Sqlite(path, { timeout: 5000 });
process.stdout.write('ready');
await once(process.stdin, 'data');
migrate(sqlite, JSON.parse(steps));
sqlite.close();
process.exit();
