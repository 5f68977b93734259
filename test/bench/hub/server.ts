// A hub in a process of its own that tells what it has used; rates are not limited, because they are what is measured.
import { subscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { type Hub, startHub } from '../../../src/hub/hub.ts';

/** What the process has used so far. */
export interface Figures {
  /** Processor time without that of collections for these figures, in ms. */
  cpu: number;
  /** Resident memory after a collection of garbage, in bytes. */
  rss: number;
  /** Bytes to clients. */
  sent: number;
}

const sockets = new Set<Socket>();
let sentBefore = 0;
let collecting = 0;
let hub: Hub | undefined;

subscribe('net.server.socket', (message) => {
  const { socket } = message as { socket: Socket };
  sockets.add(socket);
  socket.once('close', () => {
    sockets.delete(socket);
    sentBefore += socket.bytesWritten;
  });
});

function cpuTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function figures(): Figures {
  const before = cpuTime();
  const cpu = before - collecting;
  globalThis.gc?.();
  collecting += cpuTime() - before;
  const sent = [...sockets].reduce((sum, { bytesWritten }) => sum + bytesWritten, sentBefore);
  return { cpu, rss: process.memoryUsage.rss(), sent };
}

async function start(databaseUrl: string): Promise<string> {
  const limits = { framesPerSecond: 1e6, frameBurst: 1e6 };
  hub = await startHub({ databaseUrl, host: '127.0.0.1', port: 0, limits, logTo: { write: () => undefined } });
  return hub.url;
}

process.on('message', async (request: 'figures' | { databaseUrl: string }) => {
  process.send?.(request === 'figures' ? figures() : await start(request.databaseUrl));
});
process.once('disconnect', () => void hub?.close());
