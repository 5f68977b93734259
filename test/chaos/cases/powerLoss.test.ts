import assert from 'node:assert/strict';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { v7 as uuid } from 'uuid';
import { Random } from '../../support/random.ts';
import { assertHolds } from '../check/check.ts';
import { Disk } from '../faults/disk.ts';
import { mountProblem } from '../faults/mounts.ts';
import { scratchDirectory } from '../fleet/cleanup.ts';
import { Writer } from '../fleet/writer.ts';
import type { Event } from '../history/event.ts';
import { Recorder } from '../history/recorder.ts';
import { readState, type State } from '../history/state.ts';
import { plan, report, size } from '../plan.ts';
import { bundleProgram } from '../programs/bundle.ts';

/** How often the power of one disk is cut before the next disk. */
const CUTS = 25;

/** Longest time between two cuts, in ms. */
const PAUSE = 100;

const WRITERS = 2;

/** What a restarted machine finds, and what it must find. */
interface Remains {
  history: Event[];
  /** Undefined when there is no database that could be opened. */
  state: State | undefined;
}

/** The history as it was when the power went: what was not acknowledged by then may have happened or not. */
function knownAt(history: readonly Event[], cut: number): Event[] {
  return history.map((event) => (event.mono + event.took <= cut ? event : { ...event, result: 'info' }));
}

/** Has writers write on one disk whose power is cut again and again. */
async function* cutPower(program: string, synchronous: 'FULL' | 'NORMAL', number = 0): AsyncGenerator<Remains> {
  const random = new Random(plan.seed, `power loss ${number}`);
  const disk = new Disk();
  const recorder = new Recorder();
  const [path, conversation] = [join(disk.directory, 'db', 'chat.db'), uuid()];
  const writers = Array.from({ length: WRITERS }, (_, index) => {
    const programArguments = [path, conversation, `${random.whole(0, 2 ** 31)}`, synchronous];
    return new Writer(`writer ${index}`, recorder, program, programArguments);
  });
  await Promise.all(writers.map((writer) => writer.acknowledges(3)));
  for (let cut = 0; cut < CUTS; cut++) {
    await delay(random.next() * PAUSE);
    const copy = disk.cutPower();
    // What they began before the cut is told before this.
    await Promise.all(writers.map((writer) => writer.acknowledges(2)));
    const begun = writers.flatMap((writer) => writer.pending());
    const history = knownAt([...recorder.history, ...begun], copy.cutAt);
    yield { history, state: found(join(copy.directory, 'db', 'chat.db')) };
    copy.discard();
  }
  await Promise.all(writers.map((writer) => writer.kill()));
  disk.discard();
}

function added(history: readonly Event[]): string[] {
  return history.filter(({ op, result }) => op === 'add' && result === 'ok').map(({ message = '' }) => message);
}

function found(path: string): State | undefined {
  try {
    return readState(path);
  } catch {
    return undefined;
  }
}

describe('a power loss', () => {
  let program: string;

  beforeEach(async function () {
    const problem = mountProblem();
    if (problem) {
      report(`skipped: ${problem}`);
      this.skip();
    }
    program = await bundleProgram('storeWriter', scratchDirectory());
  });

  it('takes nothing that was acknowledged', async () => {
    const wanted = size(100, 5000);
    const acknowledged = new Set<string>();
    for (let disk = 0; disk < wanted / CUTS; disk++) {
      for await (const { history, state } of cutPower(program, 'FULL', disk)) {
        assert.ok(state, 'the database can be opened');
        assertHolds(history, state);
        for (const message of added(history)) acknowledged.add(message);
      }
    }
    report(`${wanted} losses, ${acknowledged.size} messages acknowledged, 0 lost`);
  });

  it('is seen to take what SQLite did not wait for, or this test could not fail', async () => {
    const acknowledged = new Set<string>();
    const lost = new Set<string>();
    let cuts = 0;
    for await (const { history, state } of cutPower(program, 'NORMAL')) {
      const present = new Set(state?.messages.map(({ id }) => id));
      for (const message of added(history)) {
        acknowledged.add(message);
        if (!present.has(message)) lost.add(message);
      }
      if (added(history).some((message) => !present.has(message))) cuts++;
    }
    assert.ok(lost.size > 0, 'nothing was lost');
    report(
      `${lost.size} of ${acknowledged.size} acknowledged messages lost without waiting, in ${cuts} of ${CUTS} losses`,
    );
  });
});
