// Takes a backup and dies while it is being copied: backUpProgram FILE
import { globSync, statSync } from 'node:fs';
import { Database } from '../../../../src/store/database.ts';
import { backUpIfDue } from '../../../../src/store/recovery/backups.ts';

const [, , path = ''] = process.argv;
const db = await Database.open(path);
void backUpIfDue(db, Date.now());
for (;;) {
  const isBegun = globSync(`${path}.backups/*.unfinished`).some((name) => statSync(name).size > 0);
  if (isBegun) process.kill(process.pid, 'SIGKILL');
  await new Promise(setImmediate);
}
