import { randomBytes } from 'node:crypto';
import { type Clock, systemClock } from './clock.ts';
import { socketTransport } from './peers/socketTransport.ts';
import type { Transport } from './peers/transport.ts';

/** All that the sync logic takes from the machine: given the same platform and store, it does the same again. */
export interface Platform {
  clock: Clock;
  transport: Transport;
  /** Bytes that nobody can guess. */
  randomBytes(size: number): Buffer;
}

export const systemPlatform: Platform = { clock: systemClock, transport: socketTransport, randomBytes };
