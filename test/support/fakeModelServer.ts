import { EventEmitter, once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { TempDirectory } from './tempDirectory.ts';

/** What the server was asked. */
export interface Asked {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  /** The parsed body of a chat request. */
  body: { model: string; messages: { role: string; content: string }[]; stream: boolean };
}

/** Answers one chat request, well or not. */
export type Behaviour = (response: ServerResponse, asked: Asked) => void | Promise<void>;

/** A service with OpenAI's chat completions on loopback, as good or bad as a test wants it. */
export class FakeModelServer {
  readonly asked: Asked[] = [];
  /** How the next chat requests are answered. */
  behaviour: Behaviour = answering('Hello', ' there');
  /** How it answers who asks for its models. */
  listing: Behaviour = json(200, { data: [{ id: 'small' }, { id: 'org/large:latest', max_model_len: 4000 }] });
  readonly #events = new EventEmitter();
  readonly #server = createServer(async (request, response) => {
    const { method = '', url: path = '', headers } = request;
    response.once('close', () => this.#events.emit(`${method} closed`, response.writableFinished));
    const sent = await text(request);
    const asked = { method, path, headers, body: sent === '' ? {} : JSON.parse(sent) } as Asked;
    this.asked.push(asked);
    if (path.endsWith('/models')) await this.listing(response, asked);
    else if (path.endsWith('/chat/completions')) await this.behaviour(response, asked);
    else await json(404, { error: { message: `no ${path}` } })(response, asked);
    this.#events.emit('asked');
  });

  /** Starts a server that ends with the test. */
  static async start(directory: TempDirectory): Promise<FakeModelServer> {
    const server = await FakeModelServer.listen();
    directory.defer(() => server.close());
    return server;
  }

  /** Starts a server that whoever started it has to close. */
  static async listen(): Promise<FakeModelServer> {
    const server = new FakeModelServer();
    server.#server.listen(0, '127.0.0.1');
    await once(server.#server, 'listening');
    return server;
  }

  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get baseUrl(): string {
    return `http://${this.host}/v1`;
  }

  /** Waits for the end of the next request of a kind, of a chat by default; tells whether its answer was given whole. */
  async closed(method: 'GET' | 'POST' = 'POST'): Promise<boolean> {
    const [isWhole] = await once(this.#events, `${method} closed`);
    return isWhole;
  }

  /** The chat requests so far. */
  get chats(): Asked[] {
    return this.asked.filter(({ method }) => method === 'POST');
  }

  /** Waits until the behaviour of a chat request has begun. */
  async chat(): Promise<void> {
    while (this.chats.length === 0) await once(this.#events, 'asked');
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return;
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

/** One event of a streamed answer. */
export function chunk(content: string, finish: string | null = null): string {
  return sse(JSON.stringify({ choices: [{ index: 0, delta: { content }, finish_reason: finish }] }));
}

export function sse(data: string): string {
  return `data: ${data}\n\n`;
}

export const DONE: string = sse('[DONE]');

/** Begins a streamed answer. */
export function begin(response: ServerResponse): ServerResponse {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
  response.flushHeaders();
  return response;
}

/** Answers as it should be. */
export function answering(...pieces: string[]): Behaviour {
  return (response) => {
    begin(response).end(`${pieces.map((piece) => chunk(piece)).join('')}${chunk('', 'stop')}${DONE}`);
  };
}

/** Sends a raw event stream, and ends it in good order. */
export function streaming(...events: string[]): Behaviour {
  return (response) => void begin(response).end(events.join(''));
}

/** Answers with a status and JSON, or with a text as a page. */
export function json(status: number, body: unknown, headers: Record<string, string> = {}): Behaviour {
  const isPage = typeof body === 'string';
  return (response) => {
    response.writeHead(status, { 'content-type': isPage ? 'text/html' : 'application/json', ...headers });
    response.end(isPage ? body : JSON.stringify(body));
  };
}

/** Says something, and never any more. */
export function hanging(...pieces: string[]): Behaviour {
  return (response) => void begin(response).write(pieces.map((piece) => chunk(piece)).join('') || ': wait\n\n');
}

/** Says something, and tears the connection down. */
export function breaking(...pieces: string[]): Behaviour {
  return (response) => {
    begin(response).write(pieces.map((piece) => chunk(piece)).join(''), () => response.destroy());
  };
}
