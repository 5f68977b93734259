import { Worker } from 'node:worker_threads';
import type { Batch, ReadRequest } from './transcript.ts';
import type { FromWorker, ToWorker } from './worker.ts';

/** Reads files in a thread of its own, so that this process answers its clients meanwhile. One file at a time. */
export class WorkerThread {
  #worker: Worker | undefined;

  /**
   * Reads what is new in a file; the next batch is prepared while one is being stored.
   * @throws the error of the file system, or that the thread has ended
   */
  async *read(request: ReadRequest): AsyncGenerator<Batch> {
    const worker = this.#start();
    const arrived: FromWorker[] = [];
    let failure: unknown;
    let wake: () => void = () => undefined;
    const onMessage = (message: FromWorker) => {
      arrived.push(message);
      wake();
    };
    const onEnd = (cause: unknown) => {
      failure = cause instanceof Error ? cause : new Error(`The reading thread has ended (${String(cause)}).`);
      if (this.#worker === worker) this.#worker = undefined;
      wake();
    };
    const send = (message: ToWorker) => worker.postMessage(message);
    worker.on('message', onMessage).on('error', onEnd).on('exit', onEnd);
    let isReading = true;
    const next = async () => {
      while (arrived.length === 0 && failure === undefined) await new Promise<void>((resolve) => (wake = resolve));
      const message = arrived.shift();
      if (!message) throw failure;
      if (message.type === 'end') isReading = false;
      return message;
    };
    try {
      send({ type: 'read', request });
      for (let message = await next(); ; message = await next()) {
        if (message.type === 'end') {
          if (message.error === undefined) return;
          throw Object.assign(new Error(message.error), { code: message.code });
        }
        yield message.batch;
        send({ type: 'stored' });
      }
    } finally {
      if (isReading && failure === undefined) {
        send({ type: 'stop' });
        // What is still on its way belongs to this file, not to the next.
        while (isReading && failure === undefined) await next().catch(() => undefined);
      }
      worker.off('message', onMessage).off('error', onEnd).off('exit', onEnd);
    }
  }

  async close(): Promise<void> {
    await this.#worker?.terminate();
    this.#worker = undefined;
  }

  #start(): Worker {
    // Beside this file there is the source in development, and the bundle in the product.
    const program = import.meta.url.endsWith('.ts') ? './worker.ts' : './ingestWorker.cjs';
    this.#worker ??= new Worker(new URL(program, import.meta.url));
    return this.#worker;
  }
}
