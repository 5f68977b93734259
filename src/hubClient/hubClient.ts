import { errorText, hasReason } from '../protocol/errors.ts';
import type { StreamPiece } from '../protocol/model.ts';
import type { HubStatus, ResyncResult } from '../protocol/rpc.ts';
import { cursorOf, ensureLink, openLink, readLink, saveLink } from '../store/replica/link.ts';
import { outboxState, removeUnshared } from '../store/replica/outbox.ts';
import { OutOfStep } from '../store/replica/replica.ts';
import { wait } from '../sync/chat/timers.ts';
import { type Cancel, every } from '../sync/clock.ts';
import { type ComparisonPorts, compareAll, incompleteConversations, resyncShared } from './comparison.ts';
import { Exchange, type ExchangePorts } from './exchange.ts';
import { HubError, HubSession, type Welcome } from './hubSession.ts';
import type { HubTransport } from './transport.ts';

/** Pauses before another attempt to connect, in ms: doubled from the first to the longest, each by chance up to a half shorter. */
const FIRST_DELAY = 250;
const LONGEST_DELAY = 10_000;

/** How often it is looked whether the machine has slept and whether messages are missing, in ms. */
const TICK = 5000;
const REPAIR_INTERVAL = 5 * 60_000;

/** How often a question is asked that the hub has no time for, and the pauses between, in ms. */
const ATTEMPTS = 30;
const QUOTA_PAUSE = 500;

/** What a hub's client works with. */
export interface HubClientPorts extends ExchangePorts {
  url: string;
  transport: HubTransport;
  /** From 0 to 1, by chance. */
  random(): number;
  /** The status may be another one than before. */
  changed(): void;
  streamed(piece: StreamPiece): void;
}

/** Keeps the shared conversations of one database equal to the hub's, for as long as its instance leads. */
export class HubClient {
  readonly #ports: HubClientPorts;
  readonly #abort = new AbortController();
  #session: HubSession | undefined;
  #exchange: Exchange | undefined;
  #state: HubStatus['state'] = 'connecting';
  #problem: string | null = null;
  #turn = Promise.withResolvers<void>();
  #reconnect = new AbortController();
  #running: Promise<void> | undefined;
  #cancelTick: Cancel | undefined;

  constructor(ports: HubClientPorts) {
    this.#ports = ports;
  }

  /** Connects, and connects again whenever the connection is lost. */
  start(): void {
    const { clock } = this.#ports;
    let last = clock.wallTime();
    this.#cancelTick = every(clock, TICK, () => {
      const now = clock.wallTime();
      // A machine that has slept has connections that nobody at the other end knows of any more.
      if (now - last > 2 * TICK) this.#connectNow();
      last = now;
    });
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    this.#cancelTick?.();
    this.#connectNow();
    await this.#running;
  }

  /** To be called when something was changed here, by whatever instance. */
  look(): void {
    this.#exchange?.wantPush();
    this.#turn.resolve();
  }

  /** Shows the other machines a piece of a message that is being written here. */
  stream(piece: StreamPiece): void {
    this.#session?.stream(piece);
  }

  status(): HubStatus {
    const { db, url } = this.#ports;
    return db.read(() => {
      const { waiting, problem } = outboxState(db);
      const sequence = cursorOf(db);
      return { url, state: this.#state, problem: this.#problem ?? problem, waiting, sequence };
    });
  }

  /**
   * Fetches the messages of a shared conversation that are missing here.
   * @throws {DevChatError} what the hub could not be asked for
   */
  resync(conversationId: string): Promise<ResyncResult> {
    return resyncShared(this.#comparison(), conversationId);
  }

  get #isStopped(): boolean {
    return this.#abort.signal.aborted;
  }

  async #run(): Promise<void> {
    for (let failures = 0; !this.#isStopped; ) {
      try {
        await this.#serve(() => {
          failures = 0;
        });
      } catch (error) {
        failures++;
        this.#fail(error);
      }
      if (this.#isStopped) return;
      const longest = Math.min(FIRST_DELAY * 2 ** (failures - 1), LONGEST_DELAY);
      this.#reconnect = new AbortController();
      await wait(this.#ports.clock, longest * (1 - this.#ports.random() / 2), this.#reconnect.signal);
    }
  }

  #fail(error: unknown): void {
    if (this.#isStopped) return;
    this.#ports.log('info', errorText(error));
    this.#setState('offline', errorText(error));
  }

  #connectNow(): void {
    this.#session?.close();
    this.#reconnect.abort();
    this.#turn.resolve();
  }

  #setState(state: HubStatus['state'], problem: string | null): void {
    this.#state = state;
    this.#problem = problem;
    this.#ports.changed();
  }

  /** @throws what has ended the connection, or why there was none */
  async #serve(connected: () => void): Promise<void> {
    const { db, transport, clock, write } = this.#ports;
    const { clientId } = await ensureLink(db, write);
    const { session, welcome } = await HubSession.open(
      { transport, clock, clientId },
      {
        hinted: () => {
          this.#exchange?.wantPull();
          this.#turn.resolve();
        },
        streamed: (piece) => this.#ports.streamed(piece),
        closed: () => this.#turn.resolve(),
      },
    );
    try {
      this.#session = session;
      if (this.#isStopped) return;
      await this.#exchangeAll(session, welcome, connected);
    } finally {
      this.#session = undefined;
      this.#exchange?.close();
      this.#exchange = undefined;
      session.close();
    }
  }

  async #exchangeAll(session: HubSession, welcome: Welcome, connected: () => void): Promise<void> {
    const link = readLink(this.#ports.db);
    const isKnown = link?.epoch === welcome.hub_epoch && link.workspaceId === welcome.workspace_id;
    if (!isKnown) await this.#compare(welcome);
    // What somebody who was killed has left.
    await this.#ports.write(() => removeUnshared(this.#ports.db));
    const exchange = new Exchange(this.#ports, session, welcome.user_id);
    this.#exchange = exchange;
    let repaired = Number.NEGATIVE_INFINITY;
    let isCompared = false;
    while (session.isOpen) {
      this.#turn = Promise.withResolvers();
      try {
        await exchange.run();
        isCompared = false;
        connected();
        this.#setState('connected', null);
        if (this.#ports.clock.now() - repaired >= REPAIR_INTERVAL) {
          repaired = this.#ports.clock.now();
          await this.#repair();
        }
      } catch (error) {
        // What a comparison has not mended is tried again on the next connection, after a pause.
        if (!isOutOfStep(error) || isCompared) throw error;
        isCompared = true;
        this.#ports.log('warn', `hub: ${errorText(error)} Everything is compared.`);
        await this.#compare(welcome);
        exchange.wantPush();
        exchange.wantPull();
      }
      if (session.isOpen && !exchange.isDue) await this.#turn.promise;
    }
    throw session.end ?? new Error('The session has ended.');
  }

  async #compare({ hub_epoch: epoch, workspace_id: workspaceId }: Welcome): Promise<void> {
    const { db, write } = this.#ports;
    const cursor = await compareAll(this.#comparison());
    if (this.#isStopped) return;
    await write(() => saveLink(db, { ...openLink(db), workspaceId, epoch, cursor }));
  }

  async #repair(): Promise<void> {
    const { db } = this.#ports;
    for (const id of db.read(() => incompleteConversations(db))) {
      if (!this.#isStopped) await this.resync(id);
    }
  }

  /** Asks again when it was asked too often. */
  async #get<T>(path: string): Promise<T> {
    const { transport, clock } = this.#ports;
    for (let attempt = 1; ; attempt++) {
      try {
        return await transport.get<T>(path);
      } catch (error) {
        if (!hasReason(error, 'quota') || attempt === ATTEMPTS || this.#isStopped) throw error;
      }
      await wait(clock, QUOTA_PAUSE, this.#abort.signal);
    }
  }

  #comparison(): ComparisonPorts {
    const { db, write, committed, lost, clock } = this.#ports;
    const { signal } = this.#abort;
    return {
      ...{ db, lost },
      // What was written is made known.
      write: async (body) => {
        const result = await write(body);
        committed();
        return result;
      },
      get: (path) => this.#get(path),
      wait: (delay) => wait(clock, delay, signal),
      signal,
    };
  }
}

/** Whether what is known of the hub does not fit what it tells. */
function isOutOfStep(error: unknown): boolean {
  return error instanceof OutOfStep || (error instanceof HubError && error.code === 'resync_required');
}
