import type { Connection, DialFailure, Listener, Transport } from '../../src/sync/peers/transport.ts';
import type { Process } from './process.ts';
import { Link, type Socket } from './socket.ts';

interface Server {
  process: Process;
  accept(connection: Connection): void;
  isOpen: boolean;
  /** When the process has ended, its endpoint refuses only from then on; in ms of the machine's clock. */
  lingersUntil: number;
  accepted: Set<Socket>;
}

/** All endpoints and connections of the simulated machine. */
export class Network {
  readonly #servers = new Map<string, Server>();
  readonly #links = new Set<Link>();
  #endpoints = 0;
  /** Endpoints that cannot be seen from elsewhere at present, as those in another container. */
  readonly hidden = new Set<string>();
  /** Endpoints that more than one row of the registry names; what is left of them stays. */
  readonly shared = new Set<string>();

  /** The connections of which an end is open. */
  get links(): Link[] {
    for (const link of this.#links) if (link.isOver) this.#links.delete(link);
    return [...this.#links];
  }

  /** The endpoints at which a process listens. */
  get endpoints(): string[] {
    return [...this.#servers].flatMap(([endpoint, { isOpen, process }]) =>
      isOpen && !process.hasEnded ? endpoint : [],
    );
  }

  /** How one process reaches the others. */
  transportOf(process: Process): Transport {
    return {
      listen: (accept) => this.#listen(process, accept),
      dial: ({ endpoint }) => this.#dial(process, endpoint),
      removeStale: (endpoint) => {
        const isStale = this.#servers.get(endpoint)?.process.hasEnded && !this.shared.has(endpoint);
        if (process.step() && isStale) this.#servers.delete(endpoint);
      },
    };
  }

  async #listen(process: Process, accept: (connection: Connection) => void): Promise<Listener> {
    await process.wait(process.machine.random.next());
    const endpoint = `/run/${++this.#endpoints}.sock`;
    const server: Server = { process, accept, isOpen: true, lingersUntil: 0, accepted: new Set() };
    this.#servers.set(endpoint, server);
    const { clock, random } = process.machine;
    // The system closes what a process has open one after the other.
    process.atEnd(() => {
      server.lingersUntil = clock.now() + random.next() * 2;
    });
    return { endpoint, close: () => this.#close(endpoint, server) };
  }

  async #close(endpoint: string, server: Server): Promise<void> {
    server.isOpen = false;
    this.#servers.delete(endpoint);
    await Promise.all(
      [...server.accepted].map((socket) => new Promise<void>((resolve) => socket.on('close', resolve))),
    );
  }

  async #dial(process: Process, endpoint: string): Promise<Connection | DialFailure> {
    process.step();
    await process.wait(process.machine.transit());
    const server = this.#servers.get(endpoint);
    if (!server || this.hidden.has(endpoint)) return 'unreachable';
    const { clock } = process.machine;
    const lingers = server.lingersUntil - clock.now();
    if (server.process.hasEnded && lingers <= 0) return 'gone';
    const link = new Link(process, server.process);
    this.#links.add(link);
    // The system takes the connection, whether or not the process ever asks for it.
    if (server.process.hasEnded) clock.after(lingers, () => link.cut());
    else server.process.later(process.machine.transit(), () => this.#accept(server, link.listener));
    link.dialler.open();
    return link.dialler;
  }

  #accept(server: Server, socket: Socket): void {
    if (!server.isOpen) {
      socket.destroy();
      return;
    }
    server.accepted.add(socket);
    socket.on('close', () => server.accepted.delete(socket));
    server.accept(socket);
    socket.open();
  }
}
