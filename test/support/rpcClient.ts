import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';

/** An error answer of JSON-RPC. */
export class RpcError extends Error {
  readonly code: number;
  readonly data: unknown;

  constructor({ code, message, data }: { code: number; message: string; data?: unknown }) {
    super(message);
    this.code = code;
    this.data = data;
  }
}

type Answer = { resolve(result: unknown): void; reject(error: Error): void };

/** A JSON-RPC 2.0 client of a child process's standard streams, with `Content-Length` framing. */
export class RpcClient {
  readonly child: ChildProcessWithoutNullStreams;
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  readonly notifications: { method: string; params: unknown }[] = [];
  /** Everything the child wrote to its standard error. */
  stderr = '';
  readonly #arrivals = new EventEmitter().setMaxListeners(0);
  readonly #answers = new Map<number, Answer>();
  #nextId = 1;
  #input = Buffer.alloc(0);

  constructor(program: string, programArguments: readonly string[], environment: Record<string, string>) {
    this.child = spawn(process.execPath, [program, ...programArguments], { env: { ...process.env, ...environment } });
    this.child.stderr.on('data', (chunk: Buffer) => {
      this.stderr += chunk.toString();
    });
    this.child.stdout.on('data', (chunk: Buffer) => this.#receive(chunk));
    // Writing to a child that was killed fails; the rejected requests tell.
    this.child.stdin.on('error', () => undefined);
    this.exited = once(this.child, 'close').then(([code, signal]) => {
      for (const { reject } of this.#answers.values()) reject(new Error(`the process ended (${signal ?? code})`));
      return { code, signal };
    });
  }

  /** Sends a request; resolves with its result. */
  request<T = unknown>(method: string, params: unknown = {}): Promise<T> {
    const id = this.#nextId++;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#answers.set(id, { resolve, reject });
    const body = JSON.stringify({ jsonrpc: '2.0', id, method, params });
    this.child.stdin.write(`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
    return promise as Promise<T>;
  }

  /** The first notification of this kind that fits, whether it came already or is still to come. */
  async notified<T = unknown>(method: string, fits: (params: T) => boolean = () => true): Promise<T> {
    for (let next = 0; ; next++) {
      while (next >= this.notifications.length) await this.arrival();
      const notification = this.notifications[next];
      if (notification?.method === method && fits(notification.params as T)) return notification.params as T;
    }
  }

  /** Waits for the next notification of any kind. */
  async arrival(): Promise<void> {
    await once(this.#arrivals, 'notification');
  }

  #receive(chunk: Buffer): void {
    this.#input = Buffer.concat([this.#input, chunk]);
    for (;;) {
      const headerEnd = this.#input.indexOf('\r\n\r\n');
      const length = Number(/Content-Length: *(\d+)/i.exec(this.#input.toString('latin1', 0, headerEnd))?.[1]);
      const end = headerEnd + 4 + length;
      if (headerEnd < 0 || this.#input.length < end) return;
      const message = JSON.parse(this.#input.toString('utf8', headerEnd + 4, end));
      this.#input = this.#input.subarray(end);
      this.#dispatch(message);
    }
  }

  #dispatch(message: { id?: number; method?: string; params?: unknown; result?: unknown; error?: RpcError }): void {
    if (message.method !== undefined) {
      this.notifications.push({ method: message.method, params: message.params });
      this.#arrivals.emit('notification');
      return;
    }
    const answer = this.#answers.get(Number(message.id));
    this.#answers.delete(Number(message.id));
    if (message.error) answer?.reject(new RpcError(message.error));
    else answer?.resolve(message.result);
  }
}
