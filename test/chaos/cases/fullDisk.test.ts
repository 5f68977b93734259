import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { v7 as uuid } from 'uuid';
import { Random } from '../../support/random.ts';
import { mount, mountProblem } from '../faults/mounts.ts';
import { scratchDirectory } from '../fleet/cleanup.ts';
import { Fleet } from '../fleet/fleet.ts';
import { addMessage } from '../fleet/traffic.ts';
import type { Window } from '../fleet/window.ts';
import { plan, report, size } from '../plan.ts';

const MEGABYTE = 2 ** 20;

/** What is freed each time, in bytes. */
const SPACE = 400_000;

/** What refused messages were told. */
function refusals({ recorder }: Fleet): string[] {
  return recorder.history.filter(({ result }) => result === 'fail').map(({ reason = '' }) => reason);
}

/** Adds messages until some were refused. */
async function fill(fleet: Fleet, windows: Window[], conversation: string, random: Random): Promise<void> {
  const before = refusals(fleet).length;
  while (refusals(fleet).length < before + 10) {
    await Promise.all(windows.map((window) => addMessage(window, conversation, random)));
  }
}

describe('a full disk', () => {
  it('refuses what it cannot take, loses nothing, and takes more once there is space', async function () {
    const problem = mountProblem();
    if (problem) {
      report(`skipped: ${problem}`);
      this.skip();
    }
    const random = new Random(plan.seed, 'full disk');
    const disk = join(scratchDirectory(), 'disk');
    const rounds = size(3, 30);
    mount(disk, ['-t', 'tmpfs', '-o', `size=${2 * MEGABYTE + rounds * SPACE},mode=0700`, 'chaos']);
    const ballast = join(disk, 'ballast');
    writeFileSync(ballast, Buffer.alloc(rounds * SPACE));
    const fleet = new Fleet(disk);
    const windows = await fleet.startAll(2);
    const conversation = (await windows[0]?.create(uuid())) ?? '';
    for (let left = rounds - 1; left >= 0; left--) {
      await fill(fleet, windows, conversation, random);
      truncateSync(ballast, left * SPACE);
      for (const window of windows) assert.ok(await addMessage(window, conversation, random), 'there is space again');
    }
    const refused = refusals(fleet);
    assert.deepEqual([...new Set(refused)], ['disk-full']);
    const { messages } = await fleet.conclude();
    report(`${refused.length} refused, ${messages.length} stored, in ${rounds} rounds`);
  });

  it('keeps an instance going whose files may not grow', async function () {
    if (process.platform !== 'linux') this.skip();
    const random = new Random(plan.seed, 'limited files');
    const fleet = new Fleet();
    const [limited, free] = await fleet.startAll(2);
    assert.ok(limited && free);
    const conversation = (await limited.create(uuid())) ?? '';
    const limit = (bytes: string) => execFileSync('prlimit', ['--pid', `${limited.child.pid}`, `--fsize=${bytes}:`]);
    limit('200000');
    await fill(fleet, [limited], conversation, random);
    assert.ok(await addMessage(free, conversation, random), 'the other one is not limited');
    limit('unlimited');
    assert.ok(await addMessage(limited, conversation, random), 'there is no limit any more');
    assert.deepEqual([...new Set(refusals(fleet))], ['disk-full']);
    await fleet.conclude();
  });
});
