import { once } from 'node:events';
import { createConnection, createServer } from 'node:net';
import { uptime } from 'node:os';
import type { PeerRecord } from '../../store/peers.ts';
import { isEndpoint, newEndpoint, removeStaleSocket } from './endpoint.ts';
import type { Connection, DialFailure, Listener, Transport } from './transport.ts';

/** Unix sockets in a directory of the user's own; on Windows, named pipes. */
export const socketTransport: Transport = { listen, dial, removeStale: removeStaleSocket };

async function listen(accept: (connection: Connection) => void, failed: (error: Error) => void): Promise<Listener> {
  const endpoint = newEndpoint();
  const server = createServer(accept).listen(endpoint).unref();
  await once(server, 'listening');
  server.on('error', failed);
  return { endpoint, close: () => new Promise((resolve) => server.close(() => resolve())) };
}

type Dialled = Pick<PeerRecord, 'endpoint' | 'startedAt'>;

async function dial(peer: Dialled): Promise<Connection | DialFailure> {
  if (!isEndpoint(peer.endpoint)) return 'unreachable';
  try {
    const socket = createConnection({ path: peer.endpoint });
    await once(socket, 'connect');
    return socket;
  } catch (error) {
    return isDead(peer, (error as NodeJS.ErrnoException).code) ? 'gone' : 'unreachable';
  }
}

/**
 * Whether a failed dial proves an instance dead. A socket that is not there may only be invisible from here (another
 * container), unless it was made before the machine started; pipes vanish with their process.
 */
function isDead({ startedAt }: Dialled, code: string | undefined): boolean {
  if (code === 'ECONNREFUSED') return true;
  return code === 'ENOENT' && (process.platform === 'win32' || startedAt < Date.now() - uptime() * 1000);
}
