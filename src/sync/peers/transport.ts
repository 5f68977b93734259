import type { PeerRecord } from '../../store/peers.ts';

/** Bytes both ways, in order, until one end closes; a socket is one. */
export interface Connection {
  on(event: 'data', listener: (chunk: Buffer) => void): unknown;
  /** Why the connection broke; `close` follows. */
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'close', listener: () => void): unknown;
  write(bytes: Buffer): unknown;
  /** Bytes that were written and have not left yet. */
  readonly writableLength: number;
  /** True from the moment at which this end gave the connection up, or it broke. */
  readonly destroyed: boolean;
  /** Closes after what was written has left. */
  destroySoon(): void;
  /** Closes at once. */
  destroy(): void;
}

/** Where others can connect to this instance. */
export interface Listener {
  readonly endpoint: string;
  /** Accepts no more, and resolves when the connections that were accepted are closed. */
  close(): Promise<void>;
}

/** How a dial failed: the instance is certainly gone, or only out of sight. */
export type DialFailure = 'gone' | 'unreachable';

/** How instances of one machine reach each other. */
export interface Transport {
  /**
   * Opens a new endpoint, at which nobody was before. It does not keep the process alive.
   * @param failed called when a connection could not be accepted; others still can
   */
  listen(accept: (connection: Connection) => void, failed: (error: Error) => void): Promise<Listener>;
  /** Connects to the endpoint of an instance; does not reject. */
  dial(peer: Pick<PeerRecord, 'endpoint' | 'startedAt'>): Promise<Connection | DialFailure>;
  /** Removes what an instance that is gone has left of its endpoint. */
  removeStale(endpoint: string): void;
}
