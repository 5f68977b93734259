import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { linkSync, renameSync, rmSync, truncateSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { v7 as uuid } from 'uuid';
import { Random } from '../../support/random.ts';
import { undoLater } from '../fleet/cleanup.ts';
import { Fleet, until } from '../fleet/fleet.ts';
import { addMessage, chatter, type Topics } from '../fleet/traffic.ts';
import type { Window } from '../fleet/window.ts';
import type { Event } from '../history/event.ts';
import { readState } from '../history/state.ts';
import { plan, report, size } from '../plan.ts';

/** How long windows write before and after a fault, in ms. */
const SPELL = 1000;

/** Windows that write, until they are told to stop. */
class Chatter {
  readonly topics: Topics = { conversations: [], messages: [] };
  readonly #random: Random;
  readonly #talks: Promise<void>[] = [];
  #isOver = false;

  constructor(random: Random) {
    this.#random = random;
  }

  add(...windows: Window[]): void {
    this.#talks.push(...windows.map((window) => chatter(window, this.topics, this.#random, () => this.#isOver)));
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#talks);
  }
}

/** Keeps a second name of the database and its log, by which they can still be read when the first one is gone. */
function keepSight({ databasePath, directory }: Fleet): string {
  const kept = join(directory, 'kept.db');
  for (const suffix of ['', '-wal']) linkSync(databasePath + suffix, kept + suffix);
  return kept;
}

describe('the files of a database', () => {
  beforeEach(function () {
    // An open file can be neither replaced nor removed there.
    if (process.platform === 'win32') this.skip();
  });

  const moveAside = (path: string) => {
    for (const suffix of ['-wal', '-shm', '']) renameSync(path + suffix, `${path}.old${suffix}`);
  };

  const removeAll = (path: string) => {
    for (const suffix of ['', '-wal', '-shm']) unlinkSync(path + suffix);
  };

  /** A database with one conversation and a message in it, at another path. */
  async function successor(random: Random): Promise<string> {
    const fleet = new Fleet();
    const window = await fleet.start();
    await addMessage(window, (await window.create(uuid())) ?? '', random);
    await fleet.stop();
    return fleet.databasePath;
  }

  /** What is done to the files, and whether everything that was in them must be there again afterwards. */
  const replacements: [what: string, isPutBack: boolean, replace: (path: string, random: Random) => Promise<void>][] = [
    ['moved away with its log', true, async (path) => moveAside(path)],
    ['deleted', true, async (path) => unlinkSync(path)],
    ['deleted with its log', true, async (path) => removeAll(path)],
    ['replaced by another', false, async (path, random) => renameSync(await successor(random), path)],
    [
      'moved away for another',
      false,
      async (path, random) => {
        const other = await successor(random);
        moveAside(path);
        renameSync(other, path);
      },
    ],
  ];

  for (const [what, isPutBack, replace] of replacements) {
    it(`may be ${what} under writing windows, and no acknowledgement is a lie`, async () => {
      const random = new Random(plan.seed, what);
      const fleet = new Fleet();
      const talk = new Chatter(random);
      talk.add(...(await fleet.startAll(3)));
      await delay(SPELL);
      const kept = keepSight(fleet);
      await replace(fleet.databasePath, random);
      const replacedAt = fleet.recorder.now();
      await Promise.all([...fleet.windows].map((window) => until(window, 'reload', ({ reloads }) => reloads > 0)));
      talk.topics.conversations = [];
      await delay(SPELL);
      await talk.stop();
      await fleet.stop();
      const [before, after] = [readState(kept), readState(fleet.databasePath)];
      assert.deepEqual([...before.problems, ...after.problems], []);
      const [old, present] = [before, after].map(({ messages }) => new Set(messages.map(({ id }) => id)));
      const added = fleet.recorder.history.filter(({ op, result }) => op === 'add' && result === 'ok');
      const isLost = ({ mono, message = '' }: Event) =>
        !present?.has(message) && (isPutBack || mono > replacedAt || !old?.has(message));
      assert.deepEqual(added.filter(isLost), []);
      const later = added.filter(({ mono }) => mono > replacedAt);
      assert.ok(later.length > 0);
      report(`${added.length} acknowledged, ${later.length} of them after that`);
    });
  }

  it('may lose the shared index, cut short under a running window: its process may die, but nothing is lost', async () => {
    const random = new Random(plan.seed, 'cut index');
    const fleet = new Fleet();
    await fleet.startAll(3);
    const talk = new Chatter(random);
    talk.add(...fleet.windows);
    let deaths = 0;
    for (let cut = 0; cut < size(3, 50); cut++) {
      await delay(SPELL / 2);
      fleet.recorder.fault('truncate -shm');
      truncateSync(`${fleet.databasePath}-shm`, 0);
      await delay(SPELL / 2);
      for (; fleet.windows.size < 3; deaths++) talk.add(await fleet.start());
    }
    await talk.stop();
    await fleet.conclude();
    report(`${deaths} windows died and were started again`);
  });

  it('may lose the shared index under running windows, and nothing is lost though others come', async () => {
    const random = new Random(plan.seed, 'removed index');
    const fleet = new Fleet();
    const talk = new Chatter(random);
    talk.add(...(await fleet.startAll(2)));
    await delay(SPELL);
    fleet.recorder.fault('rm -shm');
    unlinkSync(`${fleet.databasePath}-shm`);
    talk.add(await fleet.start(), await fleet.start());
    await delay(SPELL);
    await talk.stop();
    await fleet.conclude();
  });

  it('may lose the log while no window runs: what was there before is, and all goes on', async () => {
    const random = new Random(plan.seed, 'removed log');
    const fleet = new Fleet();
    const [one, two] = await fleet.startAll(2);
    assert.ok(one && two);
    const conversation = (await one.create(uuid())) ?? '';
    for (let count = 0; count < 300; count++) await addMessage(one, conversation, random);
    await Promise.all([fleet.kill(one), fleet.kill(two)]);
    rmSync(`${fleet.databasePath}-wal`);
    const survivor = await fleet.start();
    const { problems } = await survivor.request('verify', {});
    assert.deepEqual(problems, []);
    const { conversations } = await survivor.request('conversation/list', {});
    const last = conversations[0]?.lastSeq ?? 0;
    assert.match(survivor.notices.join(), /lost its newest \d+ changes/);
    const id = conversations[0]?.id ?? (await survivor.create(uuid())) ?? '';
    assert.ok(await addMessage(survivor, id, random));
    await fleet.stop();
    assert.deepEqual(readState(fleet.databasePath).problems, []);
    report(`${last} of 300 messages were in the file itself`);
  });

  it('may be opened and closed by another SQLite in another process', async () => {
    const random = new Random(plan.seed, 'another SQLite');
    const fleet = new Fleet();
    const talk = new Chatter(random);
    talk.add(...(await fleet.startAll(3)));
    const program = join(import.meta.dirname, '../programs/nodeSqlite.ts');
    const other = spawn(process.execPath, [program, fleet.databasePath], { stdio: 'ignore' });
    undoLater(() => other.kill('SIGKILL'));
    await delay(3 * SPELL);
    assert.equal(other.exitCode, null, 'the other SQLite was able to open it all the time');
    other.kill('SIGKILL');
    await talk.stop();
    await fleet.conclude();
  });
});
