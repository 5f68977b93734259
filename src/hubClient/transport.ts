import type { ClientFrame, ServerFrame } from '../protocol/hub.ts';

/** What a connection tells of itself. */
export interface ConnectionEvents {
  received(frame: ServerFrame): void;
  /** The connection has ended, for whatever reason; in words for the user. */
  closed(why: string): void;
}

/** One connection to the hub. */
export interface HubConnection {
  send(frame: ClientFrame): void;
  /** Bytes that the hub has not taken yet. */
  readonly unsent: number;
  close(): void;
}

/** The way to one hub, with one token. */
export interface HubTransport {
  /**
   * @throws {DevChatError} `offline`, `refused` (the token, the certificate, too many sessions), `bad-request` (there is
   *   no hub at the address), `timeout`
   */
  connect(events: ConnectionEvents): Promise<HubConnection>;
  /**
   * What the hub answers to a GET.
   * @param path with its query
   * @throws {DevChatError} as above, and `not-found`
   */
  get<T>(path: string): Promise<T>;
}
