import { setTimeout as delay } from 'node:timers/promises';
import { isBusy } from './sqliteErrors.ts';

/** How long SQLite itself waits for a lock, in ms: short, because it blocks the process and long waits starve others. */
export const BUSY_TIMEOUT = 20;

/** How long a transaction is tried in all, in ms. */
const DEADLINE = 10_000;

/**
 * Calls a function until it finds the database unlocked, with pauses of random length so that rivals take turns.
 * @param patience ms after which the error is thrown
 */
export async function retryWhileBusy<T>(attempt: () => T, patience = DEADLINE): Promise<T> {
  const deadline = performance.now() + patience;
  for (;;) {
    try {
      return attempt();
    } catch (error) {
      if (!isBusy(error) || performance.now() > deadline) throw error;
      await delay(2 + Math.random() * 20);
    }
  }
}
