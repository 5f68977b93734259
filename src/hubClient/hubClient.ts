import { DevChatError, errorText } from '../protocol/errors.ts';
import { MAX_PULL, type PushResult, type Share } from '../protocol/hub.ts';
import type { Log } from '../protocol/log.ts';
import type { StreamPiece } from '../protocol/model.ts';
import type { HubStatus, ResyncResult } from '../protocol/rpc.ts';
import type { Database } from '../store/database.ts';
import { findEntity } from '../store/replica/entities.ts';
import { openLink, readLink, saveLink } from '../store/replica/link.ts';
import { hasEntries, keepBack, outboxState } from '../store/replica/outbox.ts';
import { OutOfStep, ReplicaUpdate, takeChanges } from '../store/replica/replica.ts';
import { dueForSharing, shareConversation } from '../store/replica/sharing.ts';
import { wait } from '../sync/chat/repair.ts';
import { type Cancel, type Clock, every } from '../sync/clock.ts';
import { type ComparisonPorts, compareAll, incompleteConversations, resyncShared } from './comparison.ts';
import { HubError, HubSession, type Welcome } from './hubSession.ts';
import type { HubTransport } from './transport.ts';

/** Changes of one push, and their text, in UTF-16 code units: others wait for them at the hub. */
const PUSH = 100;
const PUSH_LENGTH = 4_000_000;

/** Events of one page: taking them in takes some 10 ms, in which this process does nothing else. */
const PAGE = 50;

/** Pauses before another attempt to connect, in ms: doubled from the first to the longest, each by chance up to a half shorter. */
const FIRST_DELAY = 250;
const LONGEST_DELAY = 10_000;

/** Pause after which the hub is told how far this replica has come, in ms: only its clean-up waits for that. */
const ACKNOWLEDGE_DELAY = 1000;

/** How often it is looked whether the machine has slept and whether messages are missing, in ms. */
const TICK = 5000;
const REPAIR_INTERVAL = 5 * 60_000;

/** How often a question is asked that the hub has no time for, and the pauses between, in ms. */
const ATTEMPTS = 30;
const QUOTA_PAUSE = 500;

/** What a hub's client works with. */
export interface HubClientPorts {
  url: string;
  transport: HubTransport;
  share: Share;
  db: Database;
  /** Names the instance in the change log, where it begins to share. */
  instanceId: string;
  /** Writes in one transaction, unless somebody else leads by now. */
  write<T>(body: () => T): Promise<T>;
  /** To be called after each write: makes it known to the other windows. */
  committed(): void;
  clock: Clock;
  /** From 0 to 1, by chance. */
  random(): number;
  log: Log;
  /** The status is another one than before. */
  changed(): void;
  /** Edits that were made here have lost against others; they are kept as alternatives. Beginnings of what was edited. */
  lost(names: readonly string[]): void;
  streamed(piece: StreamPiece): void;
}

/** Keeps the shared conversations of one database equal to the hub's, for as long as its instance leads. */
export class HubClient {
  readonly #ports: HubClientPorts;
  readonly #abort = new AbortController();
  #session: HubSession | undefined;
  #state: HubStatus['state'] = 'connecting';
  #problem: string | null = null;
  /** There may be something to push, or to pull. */
  #isChanged = true;
  #isHinted = true;
  #turn = Promise.withResolvers<void>();
  #reconnect = new AbortController();
  #running: Promise<void> | undefined;
  #cancelTick: Cancel | undefined;
  /** Up to where the hub knows how far this replica has come. */
  #acknowledged = 0;
  #cancelAcknowledgement: Cancel | undefined;

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
    this.#isChanged = true;
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
      const sequence = readLink(db)?.cursor ?? 0;
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
    if (state === this.#state && problem === this.#problem) return;
    this.#state = state;
    this.#problem = problem;
    this.#ports.changed();
  }

  /** @throws what has ended the connection, or why there was none */
  async #serve(connected: () => void): Promise<void> {
    const { db, transport, clock, write } = this.#ports;
    const { clientId } = readLink(db) ?? (await write(() => openLink(db)));
    const { session, welcome } = await HubSession.open(
      { transport, clock, clientId },
      {
        hinted: () => {
          this.#isHinted = true;
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
      this.#cancelAcknowledgement?.();
      session.close();
    }
  }

  async #exchangeAll(session: HubSession, welcome: Welcome, connected: () => void): Promise<void> {
    const link = readLink(this.#ports.db);
    const isKnown = link?.epoch === welcome.hub_epoch && link.workspaceId === welcome.workspace_id;
    if (!isKnown) await this.#compare(welcome);
    this.#isHinted = true;
    this.#isChanged = true;
    let repaired = Number.NEGATIVE_INFINITY;
    while (session.isOpen) {
      this.#turn = Promise.withResolvers();
      try {
        await this.#exchange(session, welcome.user_id);
        connected();
        this.#setState('connected', null);
        if (this.#ports.clock.now() - repaired >= REPAIR_INTERVAL) {
          repaired = this.#ports.clock.now();
          await this.#repair();
        }
      } catch (error) {
        if (!isOutOfStep(error)) throw error;
        this.#ports.log('warn', `hub: ${errorText(error)} Everything is compared.`);
        await this.#compare(welcome);
        this.#isHinted = true;
        this.#isChanged = true;
      }
      if (session.isOpen && !this.#isHinted && !this.#isChanged) await this.#turn.promise;
    }
    throw session.end ?? new Error('The session has ended.');
  }

  /** Pulls and pushes until there is nothing left of either. */
  async #exchange(session: HubSession, userId: string): Promise<void> {
    while (this.#isHinted || this.#isChanged) {
      if (this.#isHinted) await this.#pull(session);
      if (!this.#isChanged) continue;
      this.#isChanged = false;
      await this.#shareDue();
      if (!(await this.#push(session, userId))) continue;
      // Whatever was pushed comes back with its number.
      this.#isHinted = true;
      this.#isChanged = true;
    }
    this.#acknowledgeSoon(session);
    this.#ports.changed();
  }

  /** Tells the hub, when nothing else is to be done, how far this replica has come. */
  #acknowledgeSoon(session: HubSession): void {
    this.#cancelAcknowledgement?.();
    const { cursor } = readLink(this.#ports.db) ?? { cursor: 0 };
    if (cursor === this.#acknowledged) return;
    this.#cancelAcknowledgement = this.#ports.clock.after(ACKNOWLEDGE_DELAY, () => {
      session.ask({ type: 'ack_changes', up_to_sequence: cursor }, 'changes_acknowledged').then(
        () => {
          this.#acknowledged = cursor;
        },
        // What has kept the hub from recording it shows in the next request.
        (error: unknown) => this.#ports.log('info', errorText(error)),
      );
    });
  }

  async #pull(session: HubSession): Promise<void> {
    const { db } = this.#ports;
    for (let hasMore = true; hasMore; ) {
      this.#isHinted = false;
      const { cursor } = readLink(db) ?? { cursor: 0 };
      const limit = Math.min(PAGE, MAX_PULL);
      const page = await session.ask({ type: 'get_changes_since', last_sequence: cursor, limit }, 'changes');
      hasMore = page.has_more;
      const last = page.events.at(-1);
      if (!last) return;
      await this.#update((update) => {
        for (const event of page.events) update.apply(event);
        saveLink(db, { ...openLink(db), cursor: last.sequence });
      });
    }
  }

  /** @returns whether there was anything to push */
  async #push(session: HubSession, userId: string): Promise<boolean> {
    const { db, write } = this.#ports;
    if (!db.read(() => hasEntries(db))) return false;
    const changes = await write(() => takeChanges(db, userId, { changes: PUSH, length: PUSH_LENGTH }));
    if (changes.length === 0) return false;
    const { results } = await session.ask({ type: 'push', changes }, 'push_result');
    const { cursor } = readLink(db) ?? { cursor: 0 };
    const refused = results.filter((result, index) => isRefused(result, changes[index]?.event_type, cursor));
    if (refused.length > 0) await this.#update((update) => this.#yield(update, refused));
    return true;
  }

  /** What the hub does not take is kept back, or makes way for what the hub has. */
  #yield(update: ReplicaUpdate, refused: readonly (PushResult & { outcome: 'refused' })[]): void {
    const { db } = this.#ports;
    for (const { entity_id: id, reason, message } of refused) {
      const entity = findEntity(db, 'message', id);
      const type = entity && 'conversationId' in entity.body ? 'message' : 'conversation';
      if (entity && (reason === 'conflict' || reason === 'deleted')) update.yieldTo({ ...entity, type });
      else keepBack(db, id, message);
    }
  }

  async #update(work: (update: ReplicaUpdate) => void): Promise<void> {
    const { db, write, committed, lost } = this.#ports;
    const names = await write(() => {
      const update = new ReplicaUpdate(db);
      work(update);
      update.finish();
      return update.lost;
    });
    committed();
    if (names.length > 0) lost(names);
  }

  async #shareDue(): Promise<void> {
    const { db, share, instanceId, committed } = this.#ports;
    for (const id of db.read(() => dueForSharing(db, share))) {
      await shareConversation(db, instanceId, id);
      committed();
    }
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
        const isTooOften = error instanceof DevChatError && error.reason === 'quota';
        if (!isTooOften || attempt === ATTEMPTS || this.#isStopped) throw error;
      }
      await wait(clock, QUOTA_PAUSE, this.#abort.signal);
    }
  }

  #comparison(): ComparisonPorts {
    const { db, write, committed, clock } = this.#ports;
    const { signal } = this.#abort;
    return {
      db,
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

/**
 * Whether a change was refused.
 * @throws {OutOfStep} when the result shows that other things are on the hub than what is known here
 */
function isRefused(
  result: PushResult,
  eventType: string | undefined,
  cursor: number,
): result is PushResult & { outcome: 'refused' } {
  const { outcome } = result;
  // Who deletes what somebody else has deleted gets to know by that one's event.
  const isKnown = outcome !== 'duplicate' || eventType === 'delete' || (result.sequence ?? 0) > cursor;
  if (!isKnown) {
    throw new OutOfStep('The hub has what was not known to be there.');
  }
  if (outcome !== 'refused') return false;
  const fits =
    result.reason !== 'not-found' && (result.reason !== 'conflict' || eventType === 'delete' || !result.length);
  if (!fits) throw new OutOfStep(result.message);
  return true;
}
