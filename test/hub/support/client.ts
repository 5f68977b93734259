import assert from 'node:assert/strict';
import { once } from 'node:events';
import WebSocket from 'ws';
import type { ChangeEvent, HubChange, PushResult, ServerFrame } from '../../../src/protocol/hub.ts';

type FrameOf<T extends ServerFrame['type']> = ServerFrame & { type: T };

/** Somebody who waits for a frame. */
interface Waiting {
  fits(frame: ServerFrame): boolean;
  resolve(frame: ServerFrame): void;
  reject(error: Error): void;
}

/** A client of a hub as a test needs it. */
export class HubClient {
  readonly socket: WebSocket;
  /** Everything that came, oldest first. */
  readonly frames: ServerFrame[] = [];
  /** The code and the reason of the end. */
  readonly closed: Promise<{ code: number; reason: string }>;
  #waiting: Waiting[] = [];
  #requests = 0;

  private constructor(socket: WebSocket) {
    this.socket = socket;
    const { promise, resolve } = Promise.withResolvers<{ code: number; reason: string }>();
    this.closed = promise;
    socket.on('close', (code, reason) => {
      resolve({ code, reason: reason.toString() });
      for (const { reject } of this.#waiting) reject(new Error(`The connection ended: ${code} ${reason}`));
    });
    // The close event follows.
    socket.on('error', () => undefined);
    socket.on('message', (data) => this.#receive(JSON.parse(data.toString())));
  }

  /** Rejects when the hub refuses; its answer is in the message. */
  static async dial(url: string, token: string, headers: Record<string, string> = {}): Promise<HubClient> {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/sync`, {
      headers: { authorization: `Bearer ${token}`, ...headers },
    });
    const client = new HubClient(socket);
    await once(socket, 'open');
    return client;
  }

  hello(clientId?: string): Promise<FrameOf<'welcome'>> {
    return this.ask({ type: 'hello', ...(clientId === undefined ? {} : { client_id: clientId }) }, 'welcome');
  }

  async push(changes: readonly HubChange[]): Promise<PushResult[]> {
    return (await this.ask({ type: 'push', changes }, 'push_result')).results;
  }

  pull(last: number, limit?: number): Promise<FrameOf<'changes'>> {
    return this.ask({ type: 'get_changes_since', last_sequence: last, ...(limit ? { limit } : {}) }, 'changes');
  }

  /** All events after a number. */
  async pullAll(last = 0, limit?: number): Promise<ChangeEvent[]> {
    const events: ChangeEvent[] = [];
    for (;;) {
      const page = await this.pull(events.at(-1)?.sequence ?? last, limit);
      events.push(...page.events);
      if (!page.has_more) return events;
    }
  }

  /** Sends a frame and waits for its answer, which must be of that type. */
  async ask<T extends ServerFrame['type']>(frame: object, type: T): Promise<FrameOf<T>> {
    const request_id = String(++this.#requests);
    this.send({ request_id, ...frame });
    const answer = await this.find((candidate) => 'request_id' in candidate && candidate.request_id === request_id);
    assert.equal(answer.type, type, JSON.stringify(answer).slice(0, 1000));
    return answer as FrameOf<T>;
  }

  send(frame: object | string): void {
    this.socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame));
  }

  /** The first frame that fits, also one that came before; rejects when the connection ends without it. */
  find(fits: (frame: ServerFrame) => boolean): Promise<ServerFrame> {
    const found = this.frames.find(fits);
    if (found) return Promise.resolve(found);
    return new Promise((resolve, reject) => this.#waiting.push({ fits, resolve, reject }));
  }

  /** A hint of at least this number. */
  hint(sequence: number): Promise<ServerFrame> {
    return this.find((frame) => frame.type === 'changes_available' && frame.latest_sequence >= sequence);
  }

  #receive(frame: ServerFrame): void {
    this.frames.push(frame);
    const met = this.#waiting.filter(({ fits }) => fits(frame));
    this.#waiting = this.#waiting.filter((waiting) => !met.includes(waiting));
    for (const { resolve } of met) resolve(frame);
  }
}
