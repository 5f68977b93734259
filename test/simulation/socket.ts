import type { Connection } from '../../src/sync/peers/transport.ts';
import type { Process } from './process.ts';

/** Bytes that the system takes from a sender while the receiver does not read. */
const SYSTEM_BUFFER = 100_000;

interface Listeners {
  data: ((chunk: Buffer) => void)[];
  error: ((error: Error) => void)[];
  close: (() => void)[];
}

/** A connection between two processes. It loses nothing, unless it is lost as a whole. */
export class Link {
  readonly dialler: Socket;
  readonly listener: Socket;
  /** From now on nothing arrives any more, not even the end, and nobody is told. */
  isBlackHole = false;
  /** Until then nothing arrives; in ms of the machine's clock. */
  stalledUntil = 0;

  constructor(dialling: Process, listening: Process) {
    this.dialler = new Socket(dialling, this, () => this.listener);
    this.listener = new Socket(listening, this, () => this.dialler);
  }

  get isOver(): boolean {
    return this.dialler.destroyed && this.listener.destroyed;
  }

  /** Breaks the connection for both ends. */
  cut(): void {
    this.dialler.break();
    this.listener.break();
  }
}

/** One end of a connection. */
export class Socket implements Connection {
  readonly process: Process;
  destroyed = false;
  readonly #link: Link;
  readonly #peer: () => Socket;
  readonly #listeners: Listeners = { data: [], error: [], close: [] };
  /** Bytes that are on their way to this end. */
  #arriving: Buffer = Buffer.alloc(0);
  #isOpen = false;
  #isEnding = false;
  #hasPeerEnded = false;
  #isDelivering = false;

  constructor(process: Process, link: Link, peer: () => Socket) {
    this.process = process;
    this.#link = link;
    this.#peer = peer;
    process.atEnd(() => this.#leave());
  }

  get writableLength(): number {
    return Math.max(0, this.#peer().#arriving.length - SYSTEM_BUFFER);
  }

  on<E extends keyof Listeners>(event: E, listener: Listeners[E][number]): this {
    (this.#listeners[event] as Listeners[E][number][]).push(listener);
    return this;
  }

  /** The process has taken the connection: what arrives reaches it. */
  open(): void {
    this.#isOpen = true;
    this.#deliverLater();
  }

  write(bytes: Buffer): void {
    const peer = this.#peer();
    if (!this.process.step() || this.destroyed || peer.destroyed) return;
    peer.#arriving = peer.#arriving.length === 0 ? bytes : Buffer.concat([peer.#arriving, bytes]);
    peer.#deliverLater();
  }

  destroySoon(): void {
    if (!this.process.step()) return;
    this.#isEnding = true;
    this.#endIfSent();
  }

  destroy(): void {
    if (!this.process.step() || this.destroyed) return;
    this.#leave();
    this.process.later(0, () => this.#tellClosed());
  }

  /** The connection breaks. */
  break(): void {
    if (this.destroyed) return;
    if (!this.#isOpen && !this.process.hasEnded) {
      this.#hasPeerEnded = true;
      return;
    }
    this.destroyed = true;
    this.process.later(this.process.machine.transit(), () => {
      for (const listener of this.#listeners.error) listener(new Error('read ECONNRESET'));
      this.#tellClosed();
    });
  }

  #leave(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    const peer = this.#peer();
    // What the system had not taken yet goes with the process or the socket.
    peer.#arriving = peer.#arriving.subarray(0, SYSTEM_BUFFER);
    peer.#hasPeerEnded = true;
    peer.#deliverLater();
  }

  #tellClosed(): void {
    for (const listener of this.#listeners.close) listener();
  }

  #endIfSent(): void {
    if (this.#isEnding && this.writableLength === 0) this.process.later(0, () => this.destroy());
  }

  #deliverLater(): void {
    const { machine } = this.process;
    const hasNews = this.#arriving.length > 0 || this.#hasPeerEnded;
    if (!this.#isOpen || this.#isDelivering || this.destroyed || !hasNews) return;
    this.#isDelivering = true;
    const stall = this.#link.stalledUntil - machine.clock.now();
    this.process.later(Math.max(machine.transit(), stall), () => this.#deliver());
  }

  #deliver(): void {
    this.#isDelivering = false;
    if (this.destroyed || this.#link.isBlackHole) return;
    const { random } = this.process.machine;
    const { length } = this.#arriving;
    if (length > 0) {
      const end = random.next() < 0.2 ? random.whole(1, length) : length;
      const chunk = this.#arriving.subarray(0, end);
      this.#arriving = this.#arriving.subarray(end);
      this.#peer().#endIfSent();
      for (const listener of this.#listeners.data) listener(chunk);
    }
    if (this.#arriving.length > 0 || !this.#hasPeerEnded) this.#deliverLater();
    else if (!this.destroyed) {
      this.destroyed = true;
      this.process.later(0, () => this.#tellClosed());
    }
  }
}
