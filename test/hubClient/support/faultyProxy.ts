import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import type { Random } from '../../support/random.ts';

/** What may happen to a piece of what passes, with its probability. */
const faults = { delay: 0.1, drop: 0.002, duplicate: 0.01, reset: 0.01, blackHole: 0.002 };
type Fault = keyof typeof faults;

/** Longest delay, in ms. */
const DELAY = 50;

/** How long a connection that swallows everything stays, in ms. */
const SWALLOWING = 1500;

/** Stands between clients and a hub and does to what passes what networks do, by chance that follows from a seed. */
export class FaultyProxy {
  /** Whether anything happens at all. */
  isFaulty = true;
  /** How often each fault was made. */
  readonly count: Record<Fault, number> = { delay: 0, drop: 0, duplicate: 0, reset: 0, blackHole: 0 };
  readonly #server: Server;
  readonly #random: Random;
  readonly #sockets = new Set<Socket>();
  #port = 0;

  private constructor(server: Server, random: Random) {
    this.#server = server;
    this.#random = random;
    server.on('connection', (near) => this.#pair(near));
  }

  static async start(random: Random): Promise<FaultyProxy> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new FaultyProxy(server, random);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Leads new connections to the hub at a URL. */
  lead(url: string): void {
    this.#port = Number(new URL(url).port);
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #pair(near: Socket): void {
    const far = connect(this.#port, '127.0.0.1');
    this.#pass(near, far);
    this.#pass(far, near);
  }

  #pass(from: Socket, to: Socket): void {
    let isSwallowed = false;
    let passed = Promise.resolve();
    this.#sockets.add(from);
    from.on('data', (chunk) => {
      const fault = isSwallowed ? 'drop' : this.#fault();
      if (fault === 'reset') from.resetAndDestroy();
      if (fault === 'blackHole') {
        isSwallowed = true;
        setTimeout(() => from.destroy(), SWALLOWING);
      }
      const pieces = { delay: 1, drop: 0, duplicate: 2, reset: 0, blackHole: 0 }[fault ?? 'delay'];
      passed = passed.then(async () => {
        if (fault === 'delay') await new Promise((resolve) => setTimeout(resolve, this.#random.whole(1, DELAY)));
        for (let piece = 0; piece < pieces; piece++) to.write(chunk);
      });
    });
    // The close event follows.
    from.on('error', () => undefined);
    from.on('close', () => {
      this.#sockets.delete(from);
      to.destroy();
    });
  }

  #fault(): Fault | undefined {
    if (!this.isFaulty) return undefined;
    let chance = this.#random.next();
    for (const [fault, probability] of Object.entries(faults) as [Fault, number][]) {
      chance -= probability;
      if (chance >= 0) continue;
      this.count[fault]++;
      return fault;
    }
    return undefined;
  }
}
