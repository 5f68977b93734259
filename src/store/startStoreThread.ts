import { Worker } from 'node:worker_threads';

/** Starts a thread with a connection of its own to the database at a path; it takes messages, see `ToStoreThread`. */
export function startStoreThread(path: string): Worker {
  // Beside this file there is the source in development, and the bundle in the product.
  const program = `./storeThread.${import.meta.url.endsWith('.ts') ? 'ts' : 'cjs'}`;
  return new Worker(new URL(program, import.meta.url), { workerData: path });
}
