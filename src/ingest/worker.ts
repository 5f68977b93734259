import { readlinkSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import { basename } from 'node:path';
import { type MessagePort, parentPort } from 'node:worker_threads';
import { errorText } from '../protocol/errors.ts';
import { readTranscript } from './reader.ts';
import type { Batch, ReadRequest } from './transcript.ts';

/** Asks the worker to read a file; whoever asks closes the port when it wants no more. */
export interface ToWorker {
  request: ReadRequest;
  port: MessagePort;
}

/** Has the worker end, once it has closed its files. */
export type End = 'end';

/** Says on the port of a file that a batch was stored, so that there is room for another one, and how large that should be. */
export type Stored = Pick<ReadRequest, 'batchSize'>;

/** What the worker answers on the port of a file: batches, and then that there are no more, and why. */
export type FromWorker = { type: 'batch'; batch: Batch } | { type: 'end'; error?: string; code?: string };

/** Batches of a file that are read ahead of the one that is being stored. */
const AHEAD = 2;

const parent = parentPort;
if (!parent) throw new Error('This program is a worker thread.');
giveWay();
parent.on('message', (message: ToWorker | End) => {
  if (message === 'end') parent.close();
  else void read(message.request, message.port);
});

/** Lets the editor have the processor first, where threads have priorities of their own; a hint, like all priorities. */
function giveWay(): void {
  if (process.platform !== 'linux') return;
  try {
    setPriority(Number(basename(readlinkSync('/proc/thread-self'))), constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // Without /proc it reads as fast as it can.
  }
}

async function read(request: ReadRequest, port: MessagePort): Promise<void> {
  let room = AHEAD;
  let isClosed = false;
  let wake: () => void = () => undefined;
  const send = (message: FromWorker) => port.postMessage(message);
  port.on('message', ({ batchSize }: Stored) => {
    request.batchSize = batchSize;
    room++;
    wake();
  });
  port.on('close', () => {
    isClosed = true;
    wake();
  });
  try {
    for await (const batch of readTranscript(request)) {
      send({ type: 'batch', batch });
      room--;
      while (room === 0 && !isClosed) await new Promise<void>((resolve) => (wake = resolve));
      if (isClosed) return;
    }
    send({ type: 'end' });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    send({ type: 'end', error: errorText(error), ...(typeof code === 'string' ? { code } : {}) });
  }
}
