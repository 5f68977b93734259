// A thread that does what takes long with a database whenever it is told to, and answers what came of it.
import { parentPort, workerData } from 'node:worker_threads';
import Sqlite from 'better-sqlite3';
import { type SerialisedError, serialiseError } from '../protocol/errors.ts';
import { takeBackup } from './recovery/backups.ts';
import { explainSqlite } from './sqliteErrors.ts';

/** Has the thread write back the log, take a backup, or end after what it was told before. */
export type ToStoreThread = { task: 'checkpoint' } | { task: 'backUp'; now: number } | { task: 'end' };

/** That it has, or what hinders it. */
export interface FromStoreThread {
  problem: SerialisedError | null;
}

const port = parentPort;
if (!port) throw new Error('This program is a worker thread.');
const path = String(workerData);
const sqlite = new Sqlite(path, { fileMustExist: true });
let done = Promise.resolve();
port.on('message', (message: ToStoreThread) => {
  done = done.then(() => run(message));
});

async function run(message: ToStoreThread): Promise<void> {
  if (message.task === 'end') {
    sqlite.close();
    port?.close();
    return;
  }
  let problem: SerialisedError | null = null;
  try {
    // Nobody waits for a checkpoint, and it waits for nobody.
    if (message.task === 'checkpoint') sqlite.pragma('wal_checkpoint(PASSIVE)');
    else await takeBackup(sqlite, path, message.now);
  } catch (error) {
    problem = serialiseError(explainSqlite(error, path));
  }
  port?.postMessage({ problem } satisfies FromStoreThread);
}
