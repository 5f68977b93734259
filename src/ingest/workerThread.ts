import { once } from 'node:events';
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import { errorText } from '../protocol/errors.ts';
import type { Batch, ReadRequest } from './transcript.ts';
import type { End, FromWorker, Stored, ToWorker } from './worker.ts';

/** How long the thread may take to close its files, in ms; terminating it would leave them open. */
const PATIENCE = 2000;

/** The thread has ended, and with it the reading of every file. */
export class ThreadEnded extends Error {}

/** Reads files in a thread of its own, so that this process answers its clients meanwhile. */
export class WorkerThread {
  #worker: Worker | undefined;
  /** Of the files that are being read. */
  readonly #ports = new Set<MessagePort>();

  /**
   * Reads what is new in a file, from now on: its first batches are ready when they are asked for, and the next one is
   * prepared while one is being stored. Asking throws the error of the file system, or {@link ThreadEnded}.
   * @param batchSize is called when a batch was stored, and says how large those should be that are not prepared yet
   */
  read(request: ReadRequest, batchSize: () => number): AsyncGenerator<Batch> {
    const worker = this.#start();
    const { port1: port, port2 } = new MessageChannel();
    this.#ports.add(port);
    port.once('close', () => this.#ports.delete(port));
    const arrived: FromWorker[] = [];
    let failure: unknown;
    let wake: () => void = () => undefined;
    const onEnd = (cause: unknown) => {
      failure ??= new ThreadEnded(`the reading thread has ended: ${errorText(cause)}`, { cause });
      if (this.#worker === worker) this.#worker = undefined;
      wake();
    };
    port.on('message', (message: FromWorker) => {
      arrived.push(message);
      wake();
    });
    worker.on('error', onEnd).on('exit', onEnd);
    worker.postMessage({ request, port: port2 } satisfies ToWorker, [port2]);

    const next = async () => {
      while (arrived.length === 0 && failure === undefined) await new Promise<void>((resolve) => (wake = resolve));
      const message = arrived.shift();
      if (!message) throw failure;
      return message;
    };
    async function* batches(): AsyncGenerator<Batch> {
      try {
        let message = await next();
        for (; message.type === 'batch'; message = await next()) {
          yield message.batch;
          port.postMessage({ batchSize: batchSize() } satisfies Stored);
        }
        if (message.error !== undefined) throw Object.assign(new Error(message.error), { code: message.code });
      } finally {
        port.close();
        worker.off('error', onEnd).off('exit', onEnd);
      }
    }
    return batches();
  }

  async close(): Promise<void> {
    const worker = this.#worker;
    if (!worker) return;
    const ended = once(worker, 'exit', { signal: AbortSignal.timeout(PATIENCE) });
    for (const port of this.#ports) port.close();
    worker.postMessage('end' satisfies End);
    await ended.catch(() => worker.terminate());
    this.#worker = undefined;
  }

  #start(): Worker {
    // Beside this file there is the source in development, and the bundle in the product.
    const program = import.meta.url.endsWith('.ts') ? './worker.ts' : './ingestWorker.cjs';
    this.#worker ??= new Worker(new URL(program, import.meta.url));
    return this.#worker;
  }
}
