import { DevChatError, errorText } from '../../src/protocol/errors.ts';
import type { StreamPiece } from '../../src/protocol/model.ts';
import type { Viewers } from '../../src/protocol/rpc.ts';
import type { FeedPage } from '../../src/sync/changeFeed.ts';
import type { Introduction } from '../../src/sync/peers/handshake.ts';
import { SyncEngine, type SyncEvents } from '../../src/sync/syncEngine.ts';
import { Client } from './client.ts';
import { Process } from './process.ts';
import { ModelStore, type Witness } from './store.ts';
import type { World } from './world.ts';

/** How long a window waits before it opens the database again, in ms. */
const REOPEN = 300;

/** The instance of one window, and its client: a process that can be frozen or killed. */
export class SimulatedWindow {
  readonly self: Introduction;
  readonly process: Process;
  readonly leads: boolean;
  /** Ids of the messages that its client is writing. */
  readonly streams = new Set<string>();
  engine: SyncEngine | undefined;
  client: Client | undefined;
  store: ModelStore | undefined;
  /** Epoch of the leader at the moment when the client was last told the status. */
  leaderTold = 0;
  /** The conversation that its user sees. */
  shown: string | null = null;
  /** What the client was told last of what others see. */
  viewers: Viewers[] = [];
  /** How many transactions it has asked for. */
  writes = 0;
  /** Newest change that the client was told of, or began with. */
  #told = 0;
  #opening: Promise<void>;
  #isClosing = false;
  readonly #world: World;

  /** @param options `leads`: whether it may become the leader */
  constructor(world: World, { leads }: { leads: boolean }) {
    this.#world = world;
    this.leads = leads;
    const { machine } = world;
    const number = world.windows.length + 1;
    const id = `00000000-0000-7000-8000-${machine.bytes(6).toString('hex')}`;
    this.self = { instanceId: id, editor: `W${number}`, version: '1', pid: number };
    this.process = new Process(machine, this.name, () => this.#checkCursor());
    this.#opening = this.#open();
  }

  get name(): string {
    return this.self.editor;
  }

  /** It has an engine at work, and can be asked for something. */
  get isReady(): boolean {
    return this.process.isRunning && this.engine !== undefined && !this.#isClosing;
  }

  /** It has read all there is, and so has its client. */
  get isUpToDate(): boolean {
    const { database } = this.#world.disk;
    return this.isReady && this.store?.database === database && this.#told === database.head && this.#clientIsIdle;
  }

  get #clientIsIdle(): boolean {
    return this.client?.isIdle ?? false;
  }

  /** Leaves in good order: no timer may be left when it has. */
  async close(): Promise<void> {
    if (this.#isClosing) return;
    this.#isClosing = true;
    this.process.machine.note(this.name, 'closes');
    await this.#opening;
    await this.engine?.close();
    const { timers } = this.process;
    if (timers > 0) this.#report(`${timers} timers are left after closing`);
    this.process.end();
  }

  /** Writes as the client asks for it, and makes it known. */
  async write(body: (store: ModelStore) => unknown): Promise<void> {
    const { store } = this;
    if (!store) return;
    await this.#request('write', async (engine) => {
      await store.write(() => body(store));
      engine.committed();
    });
  }

  /** Its user looks at another conversation, or at none. */
  show(conversationId: string | null): void {
    this.shown = conversationId;
    this.engine?.show(conversationId);
  }

  /** Begins to write a message. */
  async startStream(conversationId: string, id: string): Promise<void> {
    await this.#request('start', async ({ streams }) => {
      this.#world.texts.set(id, '');
      await streams.start({ conversationId, id });
      this.streams.add(id);
    });
  }

  /** Adds to a message that is being written. */
  async append(id: string, text: string): Promise<void> {
    const { texts } = this.#world;
    const before = texts.get(id) ?? '';
    await this.#request('append', ({ streams }) => {
      // The piece is seen by others before this returns.
      texts.set(id, before + text);
      try {
        streams.append(id, text);
      } catch (error) {
        texts.set(id, before);
        throw error;
      }
    });
  }

  /** Ends a message; one that is acknowledged as complete must be so. */
  async finish(id: string): Promise<void> {
    await this.#request('finish', async ({ streams }) => {
      const { content, status } = await streams.finish(id, 'complete').catch((error: unknown) => {
        if (error instanceof DevChatError && error.reason === 'deleted') this.streams.delete(id);
        throw error;
      });
      this.streams.delete(id);
      if (content !== this.#world.texts.get(id) || status !== 'complete') {
        this.#report(`stream ${id} was acknowledged, but is ${status} with another text`);
      }
    });
  }

  /** Does what the client asks for; a failure is told to the user, who may try again. */
  async #request(what: string, action: (engine: SyncEngine) => unknown): Promise<void> {
    const { engine } = this;
    if (!engine) return;
    try {
      await action(engine);
    } catch (error) {
      this.#failed(what, error);
    }
  }

  #failed(what: string, error: unknown): void {
    this.process.machine.note(this.name, what, 'failed:', errorText(error));
    if (!(error instanceof DevChatError)) this.#report(`${what} failed: ${errorText(error)}`);
    else if (error.reason === 'database-replaced') this.#reopen();
  }

  /** Opens what lies on the disk now; tries again until it can be opened. */
  async #open(): Promise<void> {
    const { machine, disk } = this.#world;
    for (;;) {
      await this.process.wait(machine.disk());
      try {
        const store = new ModelStore(disk, this.process, this.self.instanceId, this.#witness());
        await this.#start(store);
        return;
      } catch (error) {
        this.#failed('open', error);
        await this.process.wait(REOPEN);
      }
    }
  }

  async #start(store: ModelStore): Promise<void> {
    const { machine, network } = this.#world;
    const { process } = this;
    const engine: SyncEngine = new SyncEngine(
      this.self,
      store.toSyncStore(),
      this.#events(() => engine),
      {
        platform: {
          clock: process.clock,
          transport: network.transportOf(process),
          randomBytes: (size) => machine.bytes(size),
        },
        log: (_, text) => machine.note(this.name, 'log:', text),
        leads: this.leads,
      },
    );
    machine.note(this.name, 'opens at', engine.cursor);
    this.#told = engine.cursor;
    this.store = store;
    this.engine = engine;
    this.streams.clear();
    this.viewers = [];
    engine.show(this.shown);
    this.leaderTold = 0;
    if (this.client) this.client.load(store);
    else this.client = new Client(process, store);
    await engine.open();
  }

  #reopen(): void {
    const { engine } = this;
    if (!engine || this.store?.isInPlace || this.#isClosing) return;
    this.process.machine.note(this.name, 'opens the database anew');
    this.engine = undefined;
    this.#opening = this.#opening.then(() => engine.close()).then(() => this.#open());
  }

  /** @param engine the engine that tells; what one tells that was given up does not count */
  #events(engine: () => SyncEngine): SyncEvents {
    const ifCurrent = (action: () => void) => {
      if (engine() === this.engine && !this.process.hasEnded) action();
    };
    return {
      changed: (page) => ifCurrent(() => this.#changed(page)),
      lost: (head) => ifCurrent(() => this.#lost(head)),
      streamed: (piece) => ifCurrent(() => this.#streamed(piece)),
      presenceChanged: (viewers) =>
        ifCurrent(() => {
          this.viewers = viewers;
        }),
      statusChanged: () =>
        ifCurrent(() => {
          this.leaderTold = this.store?.read(() => this.store?.database.leader.epoch) ?? 0;
        }),
      leads: () => undefined,
      wishesChanged: () => undefined,
      asked: async () => null,
      ingestTold: () => undefined,
      replaced: () => ifCurrent(() => this.#reopen()),
      failed: () => undefined,
    };
  }

  /** Each change comes once and in order; what it touched is afterwards as in the database. */
  #changed(page: FeedPage): void {
    const { store, client } = this;
    if (!store || !client) return;
    const { changes, conversations, messages } = page;
    const expected = store.database.everything(this.#told, this.#told + changes.length);
    this.process.machine.note(this.name, 'is told', this.#told, '+', changes.length);
    if (changes.some((change, index) => change !== expected[index])) {
      this.#report(`${changes[0]?.id} to ${changes.at(-1)?.id} were told after ${this.#told}`);
    }
    this.#told += changes.length;
    client.change(page);
    const stale = [...conversations, ...messages].find((row) => client.row(row.id) !== row);
    if (stale && client.isIdle) this.#report(`${stale.id} is not what was told last`);
  }

  #lost(head: number): void {
    const { store } = this;
    if (!store) return;
    const { prunedThrough } = store.database;
    this.process.machine.note(this.name, 'must reload from', this.#told);
    if (this.#told >= prunedThrough) this.#report(`lost at ${this.#told}, though pruned only through ${prunedThrough}`);
    this.#told = head;
    this.client?.load(store);
  }

  /** Pieces are what their writer has sent, and what they come to is a beginning of the text. */
  #streamed(piece: StreamPiece): void {
    const { messageId, offset, text } = piece;
    const whole = this.#world.texts.get(messageId) ?? '';
    if (!whole.startsWith(text, offset)) this.#report(`a piece at ${offset} of ${messageId} that nobody sent`);
    this.client?.piece(piece);
    if (!whole.startsWith(this.client?.liveText(messageId) ?? '')) this.#report(`${messageId} is shown with a hole`);
  }

  #checkCursor(): void {
    if (this.engine && this.engine.cursor !== this.#told) {
      this.#report(`the cursor is ${this.engine.cursor}, but ${this.#told} was told`);
    }
  }

  #witness(): Witness {
    return {
      writes: () => this.writes++,
      prunes: (database, through) => {
        const connected = new Set(this.engine?.peers.map(({ instanceId }) => instanceId));
        const readers = this.#world.windows.filter(
          ({ self, store }) => connected.has(self.instanceId) && store?.database === database,
        );
        const slower = readers.find((window) => window.#told < through);
        if (slower) this.#report(`prunes through ${through}, but ${slower.name} is at ${slower.#told}`);
      },
      leads: (asLeader, leader) => {
        if (asLeader.epoch !== leader.epoch)
          this.#report(`writes as leader ${asLeader.epoch} in epoch ${leader.epoch}`);
      },
    };
  }

  #report(problem: string): void {
    this.process.machine.report(`${this.name}: ${problem}`);
  }
}
