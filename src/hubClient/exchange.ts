import { errorText } from '../protocol/errors.ts';
import type { PushResult, Share } from '../protocol/hub.ts';
import type { Log } from '../protocol/log.ts';
import { findEntity } from '../store/replica/entities.ts';
import { cursorOf, openLink, saveLink } from '../store/replica/link.ts';
import { hasEntries, keepBack } from '../store/replica/outbox.ts';
import { OutOfStep, type ReplicaUpdate, takeChanges } from '../store/replica/replica.ts';
import { dueForSharing, shareConversation } from '../store/replica/sharing.ts';
import type { Cancel, Clock } from '../sync/clock.ts';
import type { HubSession } from './hubSession.ts';
import { type TakingPorts, takeIn } from './takeIn.ts';

/** Changes of one push, and their text, in UTF-16 code units: others wait for them at the hub. */
const PUSH = 100;
const PUSH_LENGTH = 4_000_000;

/** Events of one page: taking them in takes some 10 ms, in which this process does nothing else. */
const PAGE = 50;

/** Pause after which the hub is told how far this replica has come, in ms: only its clean-up waits for that. */
const ACKNOWLEDGE_DELAY = 1000;

/** What an exchange with a hub works with. */
export interface ExchangePorts extends TakingPorts {
  share: Share;
  /** Names the instance in the change log, where it begins to share. */
  instanceId: string;
  /** To be called after each write: makes it known to the other windows. */
  committed(): void;
  clock: Clock;
  log: Log;
}

/** What is told to the hub, and taken from it, on one connection. */
export class Exchange {
  readonly #ports: ExchangePorts;
  readonly #session: HubSession;
  /** The user whom the hub knows by the token. */
  readonly #userId: string;
  /** There may be something to push, or to pull. */
  #isChanged = true;
  #isHinted = true;
  /** The first change of the last push: when it is the next one's too, the hub has not told what became of it. */
  #pushed: string | undefined;
  /** Up to where the hub knows how far this replica has come. */
  #acknowledged = 0;
  #cancelAcknowledgement: Cancel | undefined;

  constructor(ports: ExchangePorts, session: HubSession, userId: string) {
    this.#ports = ports;
    this.#session = session;
    this.#userId = userId;
  }

  /** Whether there may be something to do. */
  get isDue(): boolean {
    return this.#isChanged || this.#isHinted;
  }

  /** Something was changed here. */
  wantPush(): void {
    this.#isChanged = true;
  }

  /** The hub may have something new. */
  wantPull(): void {
    this.#isHinted = true;
  }

  close(): void {
    this.#cancelAcknowledgement?.();
  }

  /** Pulls and pushes until there is nothing left of either. */
  async run(): Promise<void> {
    while (this.isDue) {
      if (this.#isHinted) await this.#pull();
      if (!this.#isChanged) continue;
      this.#isChanged = false;
      await this.#shareDue();
      if (!(await this.#push())) continue;
      // Whatever was pushed comes back with its number.
      this.#isHinted = true;
      this.#isChanged = true;
    }
    this.#acknowledgeSoon();
  }

  /** Tells the hub, when nothing else is to be done, how far this replica has come. */
  #acknowledgeSoon(): void {
    this.#cancelAcknowledgement?.();
    const cursor = cursorOf(this.#ports.db);
    if (cursor === this.#acknowledged) return;
    this.#cancelAcknowledgement = this.#ports.clock.after(ACKNOWLEDGE_DELAY, () => {
      this.#session.ask({ type: 'ack_changes', up_to_sequence: cursor }, 'changes_acknowledged').then(
        () => {
          this.#acknowledged = cursor;
        },
        // What has kept the hub from recording it shows in the next request.
        (error: unknown) => this.#ports.log('info', errorText(error)),
      );
    });
  }

  async #pull(): Promise<void> {
    const { db } = this.#ports;
    for (let hasMore = true; hasMore; ) {
      this.#isHinted = false;
      const cursor = cursorOf(db);
      const page = await this.#session.ask(
        { type: 'get_changes_since', last_sequence: cursor, limit: PAGE },
        'changes',
      );
      hasMore = page.has_more;
      const last = page.events.at(-1);
      if (!last) return;
      await this.#update((update) => {
        for (const event of page.events) update.apply(event);
        saveLink(db, { ...openLink(db), cursor: last.sequence });
      });
    }
  }

  /**
   * @returns whether there was anything to push
   * @throws {OutOfStep}
   */
  async #push(): Promise<boolean> {
    const { db, write } = this.#ports;
    if (!db.read(() => hasEntries(db))) return false;
    const changes = await write(() => takeChanges(db, this.#userId, { changes: PUSH, length: PUSH_LENGTH }));
    const [next] = changes;
    if (!next) return false;
    if (next.revision_id === this.#pushed) throw new OutOfStep('The hub takes changes, but does not tell of them.');
    this.#pushed = next.revision_id;
    const { results } = await this.#session.ask({ type: 'push', changes }, 'push_result');
    const cursor = cursorOf(db);
    const refused = results.flatMap((result, index) => {
      const eventType = changes[index]?.event_type;
      return isRefused(result, eventType, cursor) ? [{ ...result, isDeletion: eventType === 'delete' }] : [];
    });
    if (refused.length > 0) await this.#update((update) => this.#yield(update, refused));
    return true;
  }

  /** What the hub does not take is kept back; only a deletion, and what was deleted, make way for what the hub has. */
  #yield(update: ReplicaUpdate, refused: readonly (Refused & { isDeletion: boolean })[]): void {
    const { db } = this.#ports;
    for (const { entity_id: id, reason, message, isDeletion } of refused) {
      const entity = findEntity(db, 'message', id);
      const type = entity && 'conversationId' in entity.body ? 'message' : 'conversation';
      const isOvertaken = reason === 'deleted' || (reason === 'conflict' && isDeletion);
      if (entity && isOvertaken) update.yieldTo({ ...entity, type });
      else keepBack(db, id, message);
    }
  }

  async #update(work: (update: ReplicaUpdate) => void): Promise<void> {
    await takeIn(this.#ports, work);
    this.#ports.committed();
  }

  async #shareDue(): Promise<void> {
    const { db, share, instanceId, committed } = this.#ports;
    for (const id of db.read(() => dueForSharing(db, share))) {
      await shareConversation(db, instanceId, id, 'local');
      committed();
    }
  }
}

type Refused = PushResult & { outcome: 'refused' };

/**
 * Whether a change was refused.
 * @throws {OutOfStep} when the result shows that other things are on the hub than what is known here
 */
function isRefused(result: PushResult, eventType: string | undefined, cursor: number): result is Refused {
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
