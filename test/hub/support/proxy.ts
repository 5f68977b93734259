import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** Stands between a program and a server, and can swallow what passes. */
export class TestProxy {
  readonly #server: Server;
  readonly #pairs = new Set<[Socket, Socket]>();
  #target: { host: string; port: number };
  #dialled: (() => void)[] = [];

  private constructor(server: Server, target: { host: string; port: number }) {
    this.#server = server;
    this.#target = target;
  }

  /** Starts one before the server of a URL. */
  static async start(url: string): Promise<TestProxy> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const proxy = new TestProxy(server, { host: '127.0.0.1', port: 0 });
    proxy.lead(url);
    server.on('connection', (socket) => proxy.#pair(socket));
    return proxy;
  }

  /** Leads new connections to the server of another URL. */
  lead(url: string): void {
    const { hostname: host, port } = new URL(url);
    this.#target = { host, port: Number(port) };
  }

  /** The URL that leads through here. */
  through(url: string): string {
    return Object.assign(new URL(url), { port: String((this.#server.address() as AddressInfo).port) }).href;
  }

  /** Lets nothing pass on the present connections any more, and does not end them either. */
  swallow(): void {
    for (const [near, far] of this.#pairs) {
      near.unpipe(far).resume();
      far.unpipe(near).resume();
    }
  }

  /** Resolves when the next connection is made. */
  dialled(): Promise<void> {
    return new Promise((resolve) => {
      this.#dialled.push(resolve);
    });
  }

  close(): void {
    this.#server.close();
    for (const [near, far] of this.#pairs) {
      near.destroy();
      far.destroy();
    }
  }

  #pair(near: Socket): void {
    const far = connect(this.#target);
    const pair: [Socket, Socket] = [near, far];
    this.#pairs.add(pair);
    near.pipe(far);
    far.pipe(near);
    for (const [socket, other] of [pair, [far, near]] as const) {
      // The close event follows.
      socket.on('error', () => undefined);
      socket.on('close', () => {
        other.destroy();
        this.#pairs.delete(pair);
      });
    }
    for (const resolve of this.#dialled.splice(0)) resolve();
  }
}
