import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { v7 as uuid } from 'uuid';
import { Random } from '../../support/random.ts';
import { failCalls, injectionProblem } from '../faults/systemCalls.ts';
import { Fleet } from '../fleet/fleet.ts';
import { addMessage } from '../fleet/traffic.ts';
import type { Window } from '../fleet/window.ts';
import type { Event } from '../history/event.ts';
import { plan, report, size } from '../plan.ts';

/** How long the disk of one window works, and fails, in ms. */
const SPELL = 500;

/** Longest pause between two requests of a window, in ms. */
const PAUSE = 20;

/** How often the disk fails. */
const ROUNDS = size(3, 100);

/** Three windows that write and read, with a disk that again and again fails one of them; in the end all must write. */
async function suffer(title: string, calls: string): Promise<Fleet> {
  const random = new Random(plan.seed, title);
  const fleet = new Fleet();
  const [hit, ...others] = await fleet.startAll(3);
  assert.ok(hit);
  const conversation = (await hit.create(uuid())) ?? '';
  let isOver = false;
  const work = async (window: Window) => {
    while (!isOver) {
      await addMessage(window, conversation, random);
      // What cannot be read is asked for again.
      await window.read(conversation, random.whole(1, 500), 500).catch(() => undefined);
      await delay(random.whole(0, PAUSE));
    }
  };
  const works = [hit, ...others].map(work);
  for (let round = 0; round < ROUNDS; round++) {
    await delay(SPELL);
    const end = await failCalls(hit.child.pid, calls);
    await delay(SPELL);
    await end();
    fleet.recorder.fault(`EIO from ${calls}`);
  }
  isOver = true;
  await Promise.all(works);
  for (const window of fleet.windows) while (!(await addMessage(window, conversation, random))) await delay(PAUSE);
  const isRefused = ({ result }: Event) => result === 'fail';
  const refused = Map.groupBy(fleet.recorder.history.filter(isRefused), ({ proc, reason }) => `${proc}: ${reason}`);
  report([...refused].map(([what, { length }]) => `${length} refused by ${what}`).join(', '));
  assert.ok(refused.size > 0, 'something failed');
  return fleet;
}

describe('a failing disk', () => {
  before(async function () {
    const problem = await injectionProblem();
    if (!problem) return;
    report(`skipped: ${problem}`);
    this.skip();
  });

  const writes: [what: string, calls: string][] = [
    ['makes nothing durable', 'fsync,fdatasync:error=EIO'],
    ['takes no writes', 'pwrite64,fsync,fdatasync:error=EIO'],
    ['takes some writes', 'pwrite64:error=EIO:when=2+5'],
  ];

  for (const [what, calls] of writes) {
    it(`that ${what} refuses with a reason, loses nothing, and works again by itself`, async () => {
      const fleet = await suffer(what, calls);
      await fleet.conclude();
    });
  }

  const reads: [what: string, calls: string][] = [
    ['gives nothing to read', 'pread64:error=EIO'],
    ['gives only some to read', 'pread64:error=EIO:when=2+5'],
  ];

  for (const [what, calls] of reads) {
    it(`that ${what} is not taken for damage, costs nothing, and all works again by itself`, async () => {
      const fleet = await suffer(what, calls);
      await fleet.conclude();
      const folder = dirname(fleet.databasePath);
      assert.deepEqual(
        readdirSync(folder).filter((name) => name.includes('damaged')),
        [],
      );
    });
  }
});
