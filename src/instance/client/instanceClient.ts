import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { EventEmitter } from 'node:events';
import {
  createMessageConnection,
  ErrorCodes,
  type MessageConnection,
  ResponseError,
  StreamMessageReader,
  StreamMessageWriter,
} from 'vscode-jsonrpc/node';
import { DevChatError, type Reason } from '../../protocol/errors.ts';
import type { Log } from '../../protocol/log.ts';
import type { InitializeResult, Method, Notifications, Params, Results } from '../../protocol/rpc.ts';
import { forwardLog } from './process.ts';
import { isRepeatable, LONG_TIMEOUT, TIMEOUT, timeoutOf, withOwnId } from './requestPolicy.ts';
import { restartDelay } from './restartPolicy.ts';

/** How long an instance may take to end when it is asked to, in ms. */
const GRACE = 2000;

/** Life of the instance as its client sees it. */
export type ClientState = 'starting' | 'ready' | 'restarting' | 'failed';

/** What a client tells its listeners. `state` fires at every change of {@link InstanceClient.state}. */
export interface ClientEvents {
  state: [ClientState];
  change: [Notifications['change']];
  reload: [Notifications['reload']];
  stream: [Notifications['stream']];
  status: [Notifications['status']];
  /** A new process knows nothing of what the client shows: `presence/set` is due whenever one is `ready`. */
  presence: [Notifications['presence']];
  syncState: [Notifications['syncState']];
  /** A new process tells it once its leader has begun. */
  ingest: [Notifications['ingest']];
  notice: [Notifications['notice']];
}

/** What a client needs to run an instance. */
export interface ClientPorts {
  spawn(): ChildProcessWithoutNullStreams;
  /** Says which database to open; asked at every start. */
  initialize(): Params<'initialize'>;
  log: Log;
}

interface Pending {
  method: Method;
  params: unknown;
  /** The connection that the request went out on; undefined while it waits for one. */
  sentOn?: MessageConnection;
  resolve(result: unknown): void;
  reject(error: unknown): void;
}

/** Runs an instance process and keeps it running; requests wait while it restarts. */
export class InstanceClient {
  readonly events = new EventEmitter<ClientEvents>();
  readonly #ports: ClientPorts;
  readonly #pending = new Set<Pending>();
  readonly #crashes: number[] = [];
  #child: ChildProcessWithoutNullStreams | undefined;
  #connection: MessageConnection | undefined;
  #restart: NodeJS.Timeout | undefined;
  #state: ClientState = 'starting';
  #problem: string | null = null;
  #readOnly: string | null = null;
  #session: InitializeResult | null = null;
  #disposed = false;

  constructor(ports: ClientPorts) {
    this.#ports = ports;
  }

  get state(): ClientState {
    return this.#state;
  }

  /** Why the instance does not run, in words for the user; null unless the state is `failed`. */
  get problem(): string | null {
    return this.#problem;
  }

  /** Why nothing can be saved at present, in words for the user; null when all is well. */
  get readOnly(): string | null {
    return this.#readOnly;
  }

  /** What the running instance said of itself; null before its first answer. */
  get session(): InitializeResult | null {
    return this.#session;
  }

  /** Process id of the running instance, for diagnosis. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Starts the instance; also again after it has failed for good. */
  start(): void {
    this.#crashes.length = 0;
    this.#problem = null;
    this.#launch('starting');
  }

  /** Ends the instance, if one runs, and starts another, which may open another database. */
  restart(): void {
    clearTimeout(this.#restart);
    const child = this.#child;
    this.#child = undefined;
    this.#disconnect();
    child?.stdin.end();
    this.start();
  }

  /**
   * Sends a request, at once or as soon as the instance is ready.
   * @throws {DevChatError} what the instance answered; `instance-stopped` when it ended before the answer and the
   *   request must not be repeated blindly; `timeout`
   */
  async request<M extends Method>(method: M, params: Params<M>): Promise<Results[M]> {
    if (this.#state === 'failed' || this.#disposed) throw this.#stopped();
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const pending: Pending = { method, params: withOwnId(method, params), resolve, reject };
    const timer = setTimeout(
      () => reject(new DevChatError('timeout', 'The chat history did not answer in time.')),
      timeoutOf(method),
    );
    this.#pending.add(pending);
    if (this.#state === 'ready') this.#send(pending);
    try {
      return (await promise) as Results[M];
    } finally {
      clearTimeout(timer);
      this.#pending.delete(pending);
    }
  }

  /** Ends the instance; requests that still wait are rejected. */
  async dispose(): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    clearTimeout(this.#restart);
    for (const pending of this.#pending) pending.reject(this.#stopped());
    const child = this.#child;
    if (!child || hasEnded(child)) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    // The instance leaves its peers and ends when its input does.
    child.stdin.end();
    const killer = setTimeout(() => child.kill('SIGKILL'), GRACE);
    await ended;
    clearTimeout(killer);
  }

  #launch(state: 'starting' | 'restarting'): void {
    this.#setState(state);
    const child = this.#ports.spawn();
    const lastError = forwardLog(child, this.#ports.log);
    const reader = new StreamMessageReader(child.stdout);
    // Otherwise the end of a process in the middle of a message leaves a timer that starts itself again for ever.
    reader.partialMessageTimeout = 0;
    const connection = createMessageConnection(reader, new StreamMessageWriter(child.stdin), {
      error: (text) => this.#ports.log('error', `rpc: ${text}`),
      warn: (text) => this.#ports.log('warn', `rpc: ${text}`),
      info: (text) => this.#ports.log('info', `rpc: ${text}`),
      log: (text) => this.#ports.log('debug', `rpc: ${text}`),
    });
    this.#child = child;
    this.#connection = connection;
    for (const name of ['change', 'reload', 'stream', 'presence', 'syncState', 'ingest'] as const) {
      connection.onNotification(name, (params) => void this.events.emit(name, params));
    }
    connection.onNotification('status', (params: Notifications['status']) => {
      this.#readOnly = params.readOnly;
      this.events.emit('status', params);
    });
    connection.onNotification('notice', (params: Notifications['notice']) => {
      // The status that follows the end of it says otherwise.
      if (params.isUnderway) this.#readOnly = params.text;
      this.events.emit('notice', params);
    });
    // Writing to a process that has just died fails; its end is handled once, below.
    child.stdin.on('error', (error) => this.#ports.log('debug', `rpc: ${error.message}`));
    child.once('error', (error) => this.#ended(child, error.message, lastError));
    // Not at its exit: what it wrote before may still have to be read.
    child.once('close', (code, signal) => this.#ended(child, String(signal ?? code), lastError));
    connection.listen();
    void this.#initialize(connection);
  }

  async #initialize(connection: MessageConnection): Promise<void> {
    const child = this.#child;
    const killAfter = (time: number) => setTimeout(() => child?.kill('SIGKILL'), time);
    let frozen = killAfter(TIMEOUT);
    const giveTime = ({ isUnderway }: Notifications['notice']) => {
      if (!isUnderway) return;
      clearTimeout(frozen);
      frozen = killAfter(LONG_TIMEOUT);
    };
    this.events.on('notice', giveTime);
    try {
      this.#session = await connection.sendRequest<InitializeResult>('initialize', this.#ports.initialize());
    } catch (error) {
      // An end of the process is handled where it is seen.
      if (connection !== this.#connection || !isAnswer(error)) return;
      const { reason, message } = toDevChatError(error);
      // A lock passes; any other answer would come again.
      if (reason === 'busy') this.#child?.kill();
      else this.#fail(message);
      return;
    } finally {
      clearTimeout(frozen);
      this.events.off('notice', giveTime);
    }
    if (connection !== this.#connection) return;
    // Before anyone hears that it is ready, and sends more: what waited comes first, and is not sent twice.
    for (const pending of this.#pending) this.#send(pending);
    this.#setState('ready');
  }

  #send(pending: Pending): void {
    const connection = this.#connection;
    if (!connection) return;
    pending.sentOn = connection;
    connection.sendRequest(pending.method, pending.params).then(pending.resolve, (error: unknown) => {
      if (isAnswer(error)) pending.reject(toDevChatError(error));
      // Otherwise the connection broke: whether to repeat is decided when the end of the process is seen.
    });
  }

  #ended(child: ChildProcessWithoutNullStreams, how: string, lastError: () => string | undefined): void {
    if (child !== this.#child) return;
    this.#child = undefined;
    this.#disconnect();
    if (this.#disposed || this.#state === 'failed') return;
    this.#ports.log('error', `instance: ended unexpectedly (${how})`);
    this.#crashes.push(performance.now());
    const delay = restartDelay(this.#crashes);
    if (delay === undefined) {
      this.#fail(lastError() ?? 'The chat history keeps crashing. See the log for the reason, then try again.');
      return;
    }
    this.#setState('restarting');
    this.#restart = setTimeout(() => this.#launch('restarting'), delay);
  }

  /** Gives up the connection; of the requests that went out on it, only the repeatable ones go on waiting. */
  #disconnect(): void {
    this.#connection?.dispose();
    this.#connection = undefined;
    this.#readOnly = null;
    for (const pending of this.#pending) {
      if (pending.sentOn && !isRepeatable(pending.method)) pending.reject(this.#stopped());
    }
  }

  #fail(problem: string): void {
    this.#problem = problem;
    this.#ports.log('error', `instance: ${problem}`);
    this.#setState('failed');
    for (const pending of this.#pending) pending.reject(this.#stopped());
    this.#child?.stdin.end();
  }

  #stopped(): DevChatError {
    const text = this.#problem ?? 'The chat history restarted before it answered. Check whether the change is there.';
    return new DevChatError('instance-stopped', text);
  }

  #setState(state: ClientState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.events.emit('state', state);
  }
}

/** Codes of the errors that a connection makes itself when it breaks. */
const brokenConnection: ReadonlySet<number> = new Set([
  ErrorCodes.MessageWriteError,
  ErrorCodes.MessageReadError,
  ErrorCodes.PendingResponseRejected,
  ErrorCodes.ConnectionInactive,
]);

/** Whether an error came from the instance, and not from a connection that broke. */
function isAnswer(error: unknown): error is ResponseError<unknown> {
  return error instanceof ResponseError && !brokenConnection.has(error.code);
}

function toDevChatError(error: ResponseError<unknown>): DevChatError {
  const data = error.data as { reason?: Reason } | undefined;
  return new DevChatError(data?.reason ?? 'unexpected', error.message);
}

function hasEnded(child: ChildProcessWithoutNullStreams): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}
