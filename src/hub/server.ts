import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest, LogController } from 'fastify';
import * as v from 'valibot';
import { type ServerOptions, type WebSocket, WebSocketServer } from 'ws';
import { ConversationsQuery, MessagesQuery } from '../protocol/hub.ts';
import type { Database } from './database.ts';
import { listConversations, messageRange, revisionRange } from './history.ts';
import type { Limits } from './limits.ts';
import type { Metrics } from './metrics.ts';
import type { Sessions } from './sessions.ts';
import { TokenBucket } from './tokenBucket.ts';
import { authenticate, type Identity } from './tokens.ts';

/** Time that a request may take to arrive, in ms. */
const REQUEST_TIMEOUT = 10_000;

/** Tokens whose request rates are remembered; with more, all begin anew. */
const MAX_BUCKETS = 100_000;

/** What the server answers from. */
export interface ServerPorts {
  database: Database;
  sessions: Sessions;
  limits: Limits;
  metrics: Metrics;
  /** Where log lines go, one JSON document each. */
  logTo: { write(line: string): void };
  /** Takes over a WebSocket whose client is known. */
  open(webSocket: WebSocket, identity: Identity): void;
}

/** Refused, with a status of HTTP. */
class HttpError extends Error {
  readonly statusCode: number;

  constructor(statusCode: number, message: string) {
    super(message);
    this.statusCode = statusCode;
  }
}

/** The hub's HTTP and WebSocket server, not listening yet. */
export function createServer(ports: ServerPorts): FastifyInstance {
  const { database, limits, metrics, logTo } = ports;
  const server = Fastify({
    logger: { level: 'info', stream: logTo, redact: ['req.headers.authorization'] },
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: 1024,
    requestTimeout: REQUEST_TIMEOUT,
    http: { headersTimeout: REQUEST_TIMEOUT },
    return503OnClosing: true,
  });
  server.server.maxConnections = limits.connections;
  const gate = new Gate(ports);

  server.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
    const status = error.statusCode ?? 503;
    if (status >= 500) request.log.error({ err: error, path: request.routeOptions.url }, 'request failed');
    else metrics.refusals.inc({ reason: `http_${status}` });
    return reply.code(status).send({ error: status === 503 ? 'The database is not available.' : error.message });
  });

  server.get('/healthz', async () => {
    await database.query('SELECT 1');
    return { status: 'ok' };
  });
  server.get('/metrics', async (_, reply) => {
    reply.type(metrics.registry.contentType);
    return metrics.registry.metrics();
  });
  server.get('/chat/conversations', async (request, reply) => {
    const member = await gate.enter(request, reply);
    return listConversations(database, member, parsed(ConversationsQuery, request.query));
  });
  for (const [path, range] of Object.entries({ '/chat/messages': messageRange, '/chat/revisions': revisionRange })) {
    server.get(path, async (request, reply) => {
      const member = await gate.enter(request, reply);
      const page = await range(database, member, parsed(MessagesQuery, request.query));
      if (!page) throw new HttpError(404, 'There is no such conversation.');
      return page;
    });
  }

  const webSockets = new WebSocketServer({
    noServer: true,
    maxPayload: limits.frameBytes,
    perMessageDeflate: false,
    closeTimeout: limits.closeTimeout,
  } as ServerOptions);
  server.server.on('upgrade', (request, socket, head) => {
    socket.on('error', (error) => server.log.info({ err: error }, 'connection failed'));
    gate.admit(request).then(
      (identity) => webSockets.handleUpgrade(request, socket, head, (webSocket) => ports.open(webSocket, identity)),
      (error: Error) => refuse(socket, error, metrics, server),
    );
  });
  return server;
}

/** Lets in who has a valid token and is within the limits. */
class Gate {
  readonly #ports: ServerPorts;
  readonly #buckets = new Map<string, TokenBucket>();
  #authenticating = 0;

  constructor(ports: ServerPorts) {
    this.#ports = ports;
  }

  /**
   * Who sends a request.
   * @throws {HttpError}
   */
  async enter(request: FastifyRequest, reply: FastifyReply): Promise<Identity> {
    reply.header('cache-control', 'no-store');
    const identity = await this.#identify(request.raw);
    const { requestsPerSecond, requestBurst } = this.#ports.limits;
    if (this.#buckets.size >= MAX_BUCKETS) this.#buckets.clear();
    const bucket =
      this.#buckets.get(identity.tokenId) ?? new TokenBucket(requestsPerSecond, requestBurst, performance.now());
    this.#buckets.set(identity.tokenId, bucket);
    if (!bucket.take(performance.now())) throw new HttpError(429, 'Too many requests. Come back later.');
    return identity;
  }

  /**
   * Who asks for a WebSocket.
   * @throws {HttpError}
   */
  async admit(request: IncomingMessage): Promise<Identity> {
    if (new URL(request.url ?? '', 'http://hub').pathname !== '/sync')
      throw new HttpError(404, 'There is nothing here.');
    // Browsers send it always, and carry a page's wishes with the user's rights.
    if (request.headers.origin !== undefined) throw new HttpError(403, 'Browsers are not served.');
    const identity = await this.#identify(request);
    if (!this.#ports.sessions.hasRoom(identity)) throw new HttpError(429, 'Too many sessions.');
    return identity;
  }

  async #identify({ headers: { authorization } }: IncomingMessage): Promise<Identity> {
    const token = /^Bearer (?<token>\S+)$/iu.exec(authorization ?? '')?.groups?.['token'];
    if (token === undefined) throw new HttpError(401, 'A bearer token is needed.');
    if (this.#authenticating >= this.#ports.limits.authentications) throw new HttpError(503, 'Too many requests.');
    this.#authenticating++;
    try {
      const identity = await authenticate(this.#ports.database, token);
      if (identity) return identity;
    } finally {
      this.#authenticating--;
    }
    this.#ports.metrics.refusals.inc({ reason: 'unauthorized' });
    throw new HttpError(401, 'The token is not valid.');
  }
}

function parsed<S extends v.GenericSchema>(schema: S, query: unknown): v.InferOutput<S> {
  const result = v.safeParse(schema, query);
  if (result.success) return result.output;
  const [issue] = result.issues;
  throw new HttpError(400, `${v.getDotPath(issue) ?? 'query'}: ${issue.message}`);
}

/** Answers an upgrade that is not made. */
function refuse(socket: Duplex, error: Error, metrics: Metrics, { log }: FastifyInstance): void {
  const status = error instanceof HttpError ? error.statusCode : 503;
  if (status === 503) log.error({ err: error }, 'upgrade failed');
  metrics.refusals.inc({ reason: `http_${status}` });
  const challenge = status === 401 ? 'WWW-Authenticate: Bearer\r\n' : '';
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${challenge}Connection: close\r\nContent-Length: 0\r\n\r\n`,
  );
}
