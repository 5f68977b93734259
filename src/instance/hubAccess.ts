import { HubClient } from '../hubClient/hubClient.ts';
import { HubSession } from '../hubClient/hubSession.ts';
import { webSocketTransport } from '../hubClient/webSocketTransport.ts';
import { DevChatError, hasReason } from '../protocol/errors.ts';
import type { HubSettings } from '../protocol/hub.ts';
import { type Log, withPrefix } from '../protocol/log.ts';
import type { StreamPiece } from '../protocol/model.ts';
import type { HubLeaderMethod } from '../protocol/peer.ts';
import type { HubStatus, Params, ResyncResult } from '../protocol/rpc.ts';
import type { Database } from '../store/database.ts';
import { type LeaderRecord, writeAsLeader } from '../store/leader.ts';
import { cursorOf, ensureLink } from '../store/replica/link.ts';
import { outboxState } from '../store/replica/outbox.ts';
import { authorityOf } from '../store/replica/sharing.ts';
import { systemClock } from '../sync/clock.ts';

/** What the connection to the hub needs of the workspace around it. */
export interface HubAccessPorts {
  db: Database;
  instanceId: string;
  log: Log;
  /**
   * Asks the leader, which is another instance.
   * @throws {DevChatError} what it answered; `not-leader` when it cannot be reached
   */
  askLeader(method: HubLeaderMethod, params: unknown): Promise<unknown>;
  /** Called after every commit. */
  committed(): void;
  /** Called when the connection may stand otherwise than before. */
  changed(): void;
  /** Tells the user something; about edits that are kept, with their conversation. */
  notice(notice: { text: string; conversationId?: string }): void;
  /** A piece of a message that is being written on another machine. */
  streamed(piece: StreamPiece): void;
}

/**
 * The hub as one instance takes part in it: the leader has the connection, with the token that its own client gave; all
 * others pass on to it what they are asked.
 */
export class HubAccess {
  readonly #ports: HubAccessPorts;
  #settings: HubSettings | null;
  #leadership: LeaderRecord | undefined;
  #client: HubClient | undefined;
  /** Starts and stops, one after the other. */
  #changing: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(ports: HubAccessPorts, settings: HubSettings | null) {
    this.#ports = ports;
    this.#settings = settings;
  }

  /** Uses another hub, or the same in another way, or none. */
  configure(settings: HubSettings | null): Promise<void> {
    this.#settings = settings;
    return this.#restart();
  }

  /** This instance leads from now on; with undefined, it no longer does. */
  lead(leadership: LeaderRecord | undefined): void {
    this.#leadership = leadership;
    void this.#restart();
  }

  /** To be called when something was changed, by whatever instance. */
  look(): void {
    this.#client?.look();
  }

  /** Shows the other machines a piece of a message that is being written on this one. */
  stream(piece: StreamPiece): void {
    const { db } = this.#ports;
    if (this.#client && db.read(() => authorityOf(db, piece.conversationId)) === 'hub') this.#client.stream(piece);
  }

  /** How the connection stands, as far as this instance can tell by itself; null when its client has named no hub. */
  status(): HubStatus | null {
    const { db } = this.#ports;
    if (this.#client) return this.#client.status();
    if (!this.#settings) return null;
    const { url } = this.#settings;
    return db.read(() => ({ url, state: 'follower', sequence: cursorOf(db), ...outboxState(db) }));
  }

  /** The same as the leader knows it. */
  async leaderStatus(): Promise<HubStatus | null> {
    if (this.#leadership) return this.status();
    try {
      return (await this.#ports.askLeader('hub/status', {})) as HubStatus | null;
    } catch (error) {
      if (hasReason(error, 'not-leader')) return this.status();
      throw error;
    }
  }

  /**
   * Fetches the messages of a shared conversation that are missing here, or has the leader do so.
   * @throws {DevChatError} `offline`, `not-leader`, …
   */
  async resync({ conversationId }: Params<'sync/resync'>): Promise<ResyncResult> {
    if (!this.#leadership) return (await this.#ports.askLeader('sync/resync', { conversationId })) as ResyncResult;
    if (this.#client) return this.#client.resync(conversationId);
    throw new DevChatError(
      'offline',
      'This conversation is shared, and no hub is connected. Connect to the hub first.',
    );
  }

  /**
   * Does, as the leader, what an instance asks.
   * @throws {DevChatError} `not-leader`, and those of the work itself
   */
  async answer(method: HubLeaderMethod, params: unknown): Promise<HubStatus | null | ResyncResult> {
    if (!this.#leadership) throw new DevChatError('not-leader', 'Another window is connected to the hub now.');
    if (method === 'hub/status') return this.status();
    return this.resync(params as Params<'sync/resync'>);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#restart();
  }

  #restart(): Promise<void> {
    this.#changing = this.#changing.then(async () => {
      const before = this.#client;
      this.#client = undefined;
      await before?.stop();
      this.#start();
      this.#ports.changed();
    });
    return this.#changing;
  }

  #start(): void {
    const { db, instanceId, log, committed, changed, notice, streamed } = this.#ports;
    const leader = this.#leadership;
    if (!leader || !this.#settings || this.#isClosed || db.readOnlyReason !== null) return;
    const { url, token, share } = this.#settings;
    this.#client = new HubClient({
      ...{ url, share, db, instanceId, committed, changed, streamed },
      transport: webSocketTransport(url, token),
      write: (body) => writeAsLeader(db, leader, body),
      clock: systemClock,
      random: Math.random,
      log: withPrefix(log, 'hub'),
      lost: (edits) => {
        for (const [conversationId, group] of Map.groupBy(edits, ({ keptIn }) => keptIn)) {
          const names = group.map(({ name }) => `“${name}”`).join(', ');
          const text = `Somebody else was quicker to change ${names}. Their version is shown`;
          notice(conversationId === null ? { text: `${text}.` } : { text: `${text}; yours is kept.`, conversationId });
        }
      },
    });
    this.#client.start();
  }
}

/**
 * Connects to a hub once, to see whether it can be used.
 * @throws {DevChatError} why it cannot
 */
export async function tryHub(
  db: Database,
  { url, token }: HubSettings,
): Promise<{ workspaceId: string; userId: string }> {
  const { clientId } = await ensureLink(db, (body) => db.write(body));
  const ports = { transport: webSocketTransport(url, token), clock: systemClock, clientId };
  const nothing = () => undefined;
  const { session, welcome } = await HubSession.open(ports, { hinted: nothing, streamed: nothing, closed: nothing });
  session.close();
  return { workspaceId: welcome.workspace_id, userId: welcome.user_id };
}
