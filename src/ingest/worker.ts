import { parentPort } from 'node:worker_threads';
import { errorText } from '../protocol/errors.ts';
import { readTranscript } from './reader.ts';
import type { Batch, ReadRequest } from './transcript.ts';

/** What the worker is asked: to read a file, to go on after a batch was stored, or to stop. */
export type ToWorker = { type: 'read'; request: ReadRequest } | { type: 'stored' } | { type: 'stop' };

/** What it answers: batches, and then that there are no more, and why. */
export type FromWorker = { type: 'batch'; batch: Batch } | { type: 'end'; error?: string; code?: string };

/** Batches that are read ahead of the one that is being stored. */
const AHEAD = 2;

const port = parentPort;
if (!port) throw new Error('This program is a worker thread.');
let room = AHEAD;
let isStopped = false;
let wake: (() => void) | undefined;

port.on('message', (message: ToWorker) => {
  if (message.type === 'read') void read(message.request);
  if (message.type === 'stored') room++;
  if (message.type === 'stop') isStopped = true;
  wake?.();
});

async function read(request: ReadRequest): Promise<void> {
  const send = (message: FromWorker) => port?.postMessage(message);
  [room, isStopped] = [AHEAD, false];
  try {
    for await (const batch of readTranscript(request)) {
      send({ type: 'batch', batch });
      room--;
      while (room === 0 && !isStopped) await new Promise<void>((resolve) => (wake = resolve));
      if (isStopped) break;
    }
    send({ type: 'end' });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    send({ type: 'end', error: errorText(error), ...(typeof code === 'string' ? { code } : {}) });
  }
}
