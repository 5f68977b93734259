import WebSocket from 'ws';
import { DevChatError } from '../protocol/errors.ts';
import { parseJson } from '../protocol/json.ts';
import { connectionError, statusError } from './connectionErrors.ts';
import type { ConnectionEvents, HubConnection, HubTransport } from './transport.ts';

/** Time for a connection to be made, or a request to be answered, in ms. */
const TIMEOUT = 15_000;

/** How often the hub is asked for a sign of life; without one until the next time, the connection counts as dead. In ms. */
const PING_INTERVAL = 10_000;

/** Largest frame that is taken from a hub, in bytes: a page of events ends at a megabyte, but one event may be longer. */
const MAX_FRAME = 1 << 26;

/**
 * The hub at an address, over the network.
 * @param url of the hub, `http:` or `https:`
 */
export function webSocketTransport(url: string, token: string): HubTransport {
  const base = url.endsWith('/') ? url : `${url}/`;
  const headers = { authorization: `Bearer ${token}` };
  return {
    connect: (events) => connect(new URL('sync', base), headers, events),
    get: (path) => get(new URL(path.replace(/^\//u, ''), base), headers),
  };
}

function connect(url: URL, headers: Record<string, string>, events: ConnectionEvents): Promise<HubConnection> {
  const { promise, resolve, reject } = Promise.withResolvers<HubConnection>();
  url.protocol = url.protocol.replace('http', 'ws');
  const socket = new WebSocket(url, {
    headers,
    handshakeTimeout: TIMEOUT,
    maxPayload: MAX_FRAME,
    perMessageDeflate: false,
  });
  let stopPinging: (() => void) | undefined;
  socket.on('unexpected-response', (request, response) => {
    request.destroy();
    reject(statusError(url, response.statusCode ?? 0));
  });
  // Later ones are followed by the close event.
  socket.on('error', (error) => reject(connectionError(url, error)));
  socket.on('open', () => {
    stopPinging = keepAlive(socket);
    resolve({
      send: (frame) => socket.send(JSON.stringify(frame)),
      get unsent() {
        return socket.bufferedAmount;
      },
      close: () => socket.close(),
    });
  });
  socket.on('message', (data) => {
    const frame = parseJson(data.toString());
    if (frame === undefined) socket.terminate();
    else events.received(frame as Parameters<ConnectionEvents['received']>[0]);
  });
  socket.on('close', (code, reason) => {
    stopPinging?.();
    events.closed(reason.toString() || `The connection to the hub ended (${code}).`);
  });
  return promise;
}

/** Ends a connection on which nothing comes back. */
function keepAlive(socket: WebSocket): () => void {
  let heard = true;
  const hear = () => {
    heard = true;
  };
  socket.on('pong', hear).on('ping', hear).on('message', hear);
  const timer = setInterval(() => {
    if (!heard) return socket.terminate();
    heard = false;
    socket.ping();
  }, PING_INTERVAL);
  return () => clearInterval(timer);
}

async function get<T>(url: URL, headers: Record<string, string>): Promise<T> {
  let response: Response;
  try {
    response = await fetch(url, { headers, redirect: 'error', signal: AbortSignal.timeout(TIMEOUT) });
  } catch (error) {
    throw connectionError(url, error);
  }
  if (!response.ok) throw statusError(url, response.status);
  const body = parseJson(await response.text());
  if (body === undefined) throw new DevChatError('bad-request', `What answers at ${url.host} is no hub.`);
  return body as T;
}
