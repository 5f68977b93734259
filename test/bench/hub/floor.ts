import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import pg from 'pg';
import WebSocket, { WebSocketServer } from 'ws';
import { MAX_CONNECTIONS } from '../../../src/hub/database.ts';

const BODY = JSON.stringify({ content: 'x'.repeat(200) });

/** The least that bringing a change to another machine takes: one WebSocket hop, one commit in PostgreSQL, one more hop. */
export async function openFloor(ownerUrl: string): Promise<{ send(): Promise<void>; close(): Promise<void> }> {
  const database = new pg.Client(ownerUrl);
  await database.connect();
  await database.query('CREATE TABLE IF NOT EXISTS floor(id bigserial, body jsonb)');
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false });
  await once(server, 'listening');
  const dial = async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
    await once(socket, 'open');
    return socket;
  };
  const [from, to] = [await dial(), await dial()];
  const [first, second] = [...server.clients];
  first?.on('message', async (data) => {
    await database.query('INSERT INTO floor(body) VALUES ($1)', [data.toString()]);
    second?.send(data.toString());
  });
  return {
    async send() {
      from.send(BODY);
      await once(to, 'message');
    },
    async close() {
      for (const socket of [from, to]) socket.terminate();
      server.close();
      await database.end();
    },
  };
}

/**
 * How many rows a second so many writers commit one by one, over as many connections as a hub has.
 * @param duration in ms
 */
export async function commitRate(ownerUrl: string, writers: number, duration: number): Promise<number> {
  const pool = new pg.Pool({ connectionString: ownerUrl, max: MAX_CONNECTIONS });
  await pool.query('CREATE TABLE IF NOT EXISTS floor(id bigserial, body jsonb)');
  const until = Date.now() + duration;
  let commits = 0;
  const write = async () => {
    while (Date.now() < until) {
      await pool.query('INSERT INTO floor(body) VALUES ($1)', [BODY]);
      commits++;
    }
  };
  await Promise.all(Array.from({ length: writers }, write));
  await pool.end();
  return commits / (duration / 1000);
}
