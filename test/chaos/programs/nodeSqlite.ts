// Opens and closes a database with the SQLite that Node.js brings along, over and over until it is killed.

import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';

const [path = ''] = process.argv.slice(2);
for (;;) {
  const database = new DatabaseSync(path, { readOnly: true });
  database.prepare('SELECT count(*) FROM messages').get();
  database.close();
  await delay(1);
}
