import * as v from 'valibot';
import type { ConnectionEvents, HubConnection, HubTransport } from '../../../src/hubClient/transport.ts';
import { DevChatError } from '../../../src/protocol/errors.ts';
import { ClientFrame, HUB_PROTOCOL, type ServerFrame } from '../../../src/protocol/hub.ts';
import type { Machine } from '../machine.ts';
import type { Process } from '../process.ts';
import type { ModelHub } from './hub.ts';

/** Events that one answer brings at most, so that many pulls take several. */
const PAGE = 5;

/** Time after which an end notices that nothing arrives any more, in ms. */
const SILENCE = 20_000;

/** The workspace of everybody's tokens. */
const WORKSPACE = '00000000-0000-4000-8000-000000000001';

type Answer = Exclude<ServerFrame, { type: 'changes_available' | 'stream' }>;

/** Of 100 frames, requests or pushes, so many suffer this. */
export interface Troubles {
  lost: number;
  repeated: number;
  /** The connection breaks after the commit and before the answer. */
  cut: number;
  /** The hub cannot reach its database, before or after the commit. */
  unavailable: number;
  /** The hub does not get to know that there is something new. */
  unheard: number;
  /** The hub has no time for a GET. */
  refused: number;
}

export const noTroubles: Troubles = { lost: 0, repeated: 0, cut: 0, unavailable: 0, unheard: 0, refused: 0 };

/** The hub's process, and the network before it. */
export class HubServer {
  readonly machine: Machine;
  hub: ModelHub;
  isDown = false;
  troubles = noTroubles;
  /** Frames that were sent to the hub so far. */
  frames = 0;
  readonly #links = new Set<Link>();

  constructor(machine: Machine, hub: ModelHub) {
    this.machine = machine;
    this.hub = hub;
  }

  get links(): readonly Link[] {
    return [...this.#links];
  }

  /** The way to the hub of a process. */
  transportOf(process: Process, { userId, isOffline }: { userId: string; isOffline(): boolean }): HubTransport {
    const assertReachable = () => {
      if (this.isDown || isOffline()) throw new DevChatError('offline', 'nothing answers');
    };
    const travel = () => process.wait(this.machine.transit());
    return {
      connect: async (events) => {
        await travel();
        assertReachable();
        const link = new Link(this, { process, events, userId });
        this.#links.add(link);
        process.atEnd(() => this.end(link));
        return link;
      },
      get: async <T>(path: string) => {
        await travel();
        assertReachable();
        if (this.machine.chance(this.troubles.refused)) throw new DevChatError('quota', 'too many requests');
        const answer = this.hub.get(path);
        await travel();
        if (this.machine.chance(this.troubles.lost)) throw new DevChatError('timeout', 'no answer');
        if (!answer) throw new DevChatError('not-found', path);
        return copy(answer) as T;
      },
    };
  }

  /** Tells every session that there is something to pull, as far as it does not know. */
  hint(): void {
    for (const link of this.#links) link.hint();
  }

  /** Ends what connects, as when the hub is stopped. */
  endAll(): void {
    for (const link of this.#links) link.cut('the hub was stopped');
  }

  end(link: Link): void {
    this.#links.delete(link);
  }
}

/** One connection with its session at the hub. Frames arrive in whatever order, and some twice. */
export class Link implements HubConnection {
  readonly unsent = 0;
  readonly process: Process;
  /** Nothing arrives any more, and nobody is told. */
  #isDead = false;
  #isClosed = false;
  readonly #server: HubServer;
  readonly #events: ConnectionEvents;
  readonly #userId: string;
  /** The newest number that the client was told; undefined before its welcome. */
  #told: number | undefined;

  constructor(
    server: HubServer,
    { process, events, userId }: { process: Process; events: ConnectionEvents; userId: string },
  ) {
    this.#server = server;
    this.process = process;
    this.#events = events;
    this.#userId = userId;
  }

  send(frame: ClientFrame): void {
    const { machine } = this.#server;
    if (this.#isClosed || !this.process.step()) return;
    machine.note(this.process.name, 'sends', frame.type);
    this.#server.frames++;
    this.#deliver((delay) => machine.clock.after(delay, () => this.#handle(v.parse(ClientFrame, copy(frame)))));
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#server.end(this);
    this.process.later(0, () => this.#events.closed('closed'));
  }

  /** Breaks the connection; what is under way is lost. */
  cut(why: string): void {
    this.#isDead = true;
    this.#server.end(this);
    this.process.later(this.#server.machine.transit(), () => this.#end(why));
  }

  /** From now on nothing arrives, which both ends notice by the silence. */
  stall(): void {
    this.#isDead = true;
    this.process.later(SILENCE, () => this.#end('nothing arrives'));
  }

  hint(): void {
    const { head } = this.#server.hub;
    if (this.#told === undefined || this.#told >= head) return;
    this.#told = head;
    this.#answer({ type: 'changes_available', latest_sequence: head });
  }

  #end(why: string): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#server.end(this);
    this.#events.closed(why);
  }

  #deliver(arrive: (delay: number) => unknown): void {
    const { machine, troubles } = this.#server;
    // Nothing that follows a lost frame arrives either.
    if (!this.#isDead && machine.chance(troubles.lost)) this.stall();
    if (this.#isDead) return;
    arrive(machine.transit());
    if (machine.chance(troubles.repeated)) arrive(machine.transit() + machine.transit());
  }

  #answer(frame: ServerFrame): void {
    const received = copy(frame);
    this.#deliver((delay) =>
      this.process.later(delay, () => {
        if (!this.#isClosed && this.process.step()) this.#events.received(received);
      }),
    );
  }

  /** What was sent before a connection was closed arrives all the same. */
  #handle(frame: ClientFrame): void {
    const { machine, troubles, isDown } = this.#server;
    if (isDown || this.#isDead || frame.type === 'stream') return;
    const isUnavailable = machine.chance(troubles.unavailable);
    const isDone = !isUnavailable || machine.chance(50);
    const answer = isDone ? this.#dispatch(frame) : undefined;
    if (frame.type === 'push' && machine.chance(troubles.cut)) this.cut('reset');
    else if (answer && !isUnavailable) this.#answer({ ...answer, request_id: frame.request_id });
    else this.#answer({ type: 'error', code: 'unavailable', message: 'no database', request_id: frame.request_id });
  }

  #dispatch(frame: Exclude<ClientFrame, { type: 'stream' }>): Answer {
    const { hub } = this.#server;
    switch (frame.type) {
      case 'hello': {
        const latest_sequence = hub.head;
        this.#told = latest_sequence;
        const who = { workspace_id: WORKSPACE, user_id: this.#userId };
        return { type: 'welcome', protocol: HUB_PROTOCOL.max, hub_epoch: hub.epoch, latest_sequence, ...who };
      }
      case 'push':
        return this.#push(frame);
      case 'get_changes_since': {
        const page = hub.changesSince(frame.last_sequence, Math.min(frame.limit, PAGE));
        if (!page) return { type: 'error', code: 'resync_required', message: 'not in the log' };
        this.#told = Math.max(this.#told ?? 0, hub.head);
        return { type: 'changes', ...page, latest_sequence: hub.head };
      }
      case 'ack_changes':
        if (frame.up_to_sequence <= hub.head) return { type: 'changes_acknowledged', sequence: frame.up_to_sequence };
        return { type: 'error', code: 'resync_required', message: 'never given' };
    }
  }

  #push({ changes }: ClientFrame & { type: 'push' }): Answer {
    const { machine, hub, troubles } = this.#server;
    const before = hub.head;
    const results = hub.push(this.#userId, changes);
    machine.note('hub', 'takes', changes.length, 'as', before, 'to', hub.head);
    if (hub.head > before && !machine.chance(troubles.unheard)) {
      machine.clock.after(machine.transit(), () => this.#server.hint());
    }
    return { type: 'push_result', results };
  }
}

/** What becomes of a frame on its way. */
function copy<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}
