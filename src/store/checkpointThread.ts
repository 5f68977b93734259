// A thread that writes the log of a database back into its file whenever it is told to, and answers what came of it.
import { parentPort, workerData } from 'node:worker_threads';
import Sqlite from 'better-sqlite3';
import { errorText } from '../protocol/errors.ts';

/** Has the thread write back, or end. */
export type ToCheckpointThread = 'checkpoint' | 'end';

/** That it has, or what hinders it. */
export interface FromCheckpointThread {
  problem: string | null;
}

const port = parentPort;
if (!port) throw new Error('This program is a worker thread.');
const sqlite = new Sqlite(String(workerData), { fileMustExist: true });
port.on('message', (message: ToCheckpointThread) => {
  if (message === 'checkpoint') {
    port.postMessage({ problem: checkpoint() } satisfies FromCheckpointThread);
  } else {
    sqlite.close();
    port.close();
  }
});

function checkpoint(): string | null {
  try {
    // Nobody waits for this, and this waits for nobody.
    sqlite.pragma('wal_checkpoint(PASSIVE)');
    return null;
  } catch (error) {
    return errorText(error);
  }
}
