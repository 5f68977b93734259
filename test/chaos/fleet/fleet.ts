import assert from 'node:assert/strict';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import Sqlite from 'better-sqlite3';
import { resourcesAreReturned } from '../check/resources.ts';
import { digest } from '../history/digest.ts';
import type { Remains } from '../history/event.ts';
import { Recorder } from '../history/recorder.ts';
import { readState, type State } from '../history/state.ts';
import { scratchDirectory } from './cleanup.ts';
import { Window } from './window.ts';

/** How long all windows may take to agree after the last fault, in ms. */
const RECOVERY = 30_000;

/** Windows on one database, with the record of what they do. */
export class Fleet {
  readonly recorder = new Recorder();
  readonly directory: string;
  readonly databasePath: string;
  /** The windows whose process runs. */
  readonly windows = new Set<Window>();
  #started = 0;
  /** Sockets that nobody can know of any more, of windows that have ended. */
  #strays = 0;
  /** That of the window which was started last. */
  #environment: Record<string, string> = {};

  /** @param databaseDirectory where the database is to lie, if not in the case's own directory */
  constructor(databaseDirectory?: string) {
    this.directory = scratchDirectory();
    this.databasePath = join(databaseDirectory ?? join(this.directory, 'db'), 'chat.db');
  }

  /** Starts a window's process without a word to it. */
  spawn(environment: Record<string, string> = {}): Window {
    const name = `window ${++this.#started}`;
    const places = { XDG_RUNTIME_DIR: join(this.directory, 'run'), DEVCHAT_HOME: join(this.directory, 'home') };
    this.#environment = environment;
    const window = new Window(name, this.recorder, { ...places, ...environment });
    this.windows.add(window);
    void window.exited.then(() => {
      this.windows.delete(window);
      this.#strays += window.strays;
    });
    return window;
  }

  start(environment?: Record<string, string>): Promise<Window> {
    return this.spawn(environment).open(this.databasePath);
  }

  /** Starts windows and waits until each knows all others and one of them leads. */
  async startAll(count: number, environment?: Record<string, string>): Promise<Window[]> {
    const windows = await Promise.all(Array.from({ length: count }, () => this.start(environment)));
    await Promise.all(windows.map((window) => this.knowsAll(window)));
    await this.led();
    return windows;
  }

  /** Waits until a window knows all others. */
  knowsAll(window: Window): Promise<void> {
    return until(window, 'status', ({ status }) => status?.peers.length === this.windows.size - 1);
  }

  /**
   * Waits until somebody leads who became it after an epoch.
   * @returns the window that leads; undefined when it does not run any more
   */
  async led(after = 0): Promise<Window | undefined> {
    const read = 'SELECT instance_id FROM leader WHERE epoch > ?';
    const leader = () => this.look((sqlite) => sqlite.prepare(read).pluck().get(after));
    await poll('led', () => leader() !== undefined);
    const instanceId = leader();
    return [...this.windows].find((window) => window.instanceId === instanceId);
  }

  async kill(window: Window): Promise<void> {
    this.recorder.fault(`SIGKILL ${window.name}`);
    await window.kill();
  }

  /** Waits until the leader has pruned the change log, at least up to the entry with this id. */
  async pruned(through = 1): Promise<void> {
    const read = `SELECT value FROM meta WHERE key = 'pruned_through'`;
    await poll('pruned', () => Number(this.look((sqlite) => sqlite.prepare(read).pluck().get())) >= through);
  }

  /** Waits until every window has been told of everything and no stream is left open. */
  async quiesce(): Promise<void> {
    await poll('quiet', () => this.#isQuiet());
    await Promise.all([...this.windows].map((window) => window.loaded()));
  }

  #isQuiet(): boolean {
    const [head, streams] = this.look((sqlite) => [
      sqlite.prepare(`SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'change_log'`).pluck().get(),
      sqlite.prepare('SELECT count(*) FROM streams').pluck().get(),
    ]);
    return streams === 0 && [...this.windows].every(({ cursor }) => cursor === head);
  }

  /** Looks into the database past all windows. */
  look<T>(see: (sqlite: Sqlite.Database) => T): T {
    const sqlite = new Sqlite(this.databasePath, { timeout: 5000 });
    try {
      return see(sqlite);
    } finally {
      sqlite.close();
    }
  }

  /**
   * Ends a case: waits for quiet, has the product verify its database, ends all windows in good order and holds history
   * and database against the invariants.
   */
  async conclude(): Promise<State> {
    await this.quiesce();
    await this.#rest();
    for (const window of this.windows) {
      const { lastChangeId } = await window.request('sync/status', {});
      const hash = digest(window.replica.values());
      this.recorder.observe({ proc: window.name, op: 'digest', hash, change: lastChangeId });
    }
    for (const window of this.windows) assert.deepEqual((await window.request('verify', {})).problems, []);
    await this.#end();
    const streams = this.recorder.history.filter(({ op }) => op === 'stream').map(({ message = '' }) => message);
    const state = readState(this.databasePath, new Set(streams));
    this.recorder.conclude(state);
    return state;
  }

  /** Has one more window come, and waits until no other one holds more than it does. */
  async #rest(): Promise<void> {
    await this.start(this.#environment);
    const windows = [...this.windows];
    await Promise.all(windows.map((window) => this.knowsAll(window)));
    const look = async (window: Window) =>
      ({ proc: window.name, op: 'rest', holdings: await window.holdings() }) as const;
    for (const deadline = performance.now() + RECOVERY; ; await delay(100)) {
      const resting = await Promise.all(windows.map(look));
      if (resourcesAreReturned(resting).length > 0 && performance.now() < deadline) continue;
      for (const event of resting) this.recorder.observe(event);
      return;
    }
  }

  /** Ends all windows in good order; nothing of them may be left. */
  async stop(): Promise<void> {
    await this.#end();
    assert.deepEqual(resourcesAreReturned(this.recorder.history), []);
  }

  async #end(): Promise<void> {
    const isOfTheLiving = () => this.#peers().length === this.windows.size;
    await poll('rid of the dead', isOfTheLiving);
    const leave = async (window: Window) => {
      window.child.stdin.end();
      await window.exited;
    };
    const [last, ...others] = this.windows;
    await Promise.all(others.map(leave));
    // Of two that close a database in the same moment, each may leave its log to the other.
    if (last) await leave(last);
    const log = statSync(`${this.databasePath}-wal`, { throwIfNoEntry: false });
    const remains: Remains = { sockets: this.#sockets(), logSize: log?.size ?? 0, peers: this.#peers() };
    this.recorder.observe({ proc: 'harness', op: 'end', remains, strays: this.#strays });
  }

  #sockets(): string[] {
    const directory = join(this.directory, 'run', 'devchat');
    return existsSync(directory) ? readdirSync(directory) : [];
  }

  #peers(): string[] {
    return this.look((sqlite) => sqlite.prepare('SELECT instance_id FROM peers').pluck().all() as string[]);
  }
}

/** Waits until a window's state fits; its events say when to look again. */
export async function until(
  window: Window,
  event: 'change' | 'reload' | 'status' | 'stream',
  fits: (window: Window) => boolean,
): Promise<void> {
  const patience = AbortSignal.timeout(RECOVERY);
  while (!fits(window)) {
    const arrived = Promise.withResolvers<void>();
    const give = () =>
      arrived.reject(new Error(`${window.name} did not get there in ${RECOVERY} ms\n${window.stderr}`));
    window.events.once(event, arrived.resolve);
    patience.addEventListener('abort', give, { once: true });
    try {
      await arrived.promise;
    } finally {
      patience.removeEventListener('abort', give);
    }
  }
}

/** Looks again and again until it is so: for what nobody tells. */
async function poll(what: string, isSo: () => boolean): Promise<void> {
  const deadline = performance.now() + RECOVERY;
  while (!isSo()) {
    assert.ok(performance.now() < deadline, `not ${what} within ${RECOVERY} ms`);
    await delay(20);
  }
}
