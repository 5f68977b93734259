import assert from 'node:assert/strict';
import { join } from 'node:path';
import { v7 as uuid } from 'uuid';
import { Random } from '../../support/random.ts';
import { scratchDirectory } from '../fleet/cleanup.ts';
import { Writer } from '../fleet/writer.ts';
import { Recorder } from '../history/recorder.ts';
import { readState } from '../history/state.ts';
import { plan, report, size } from '../plan.ts';
import { bundleProgram } from '../programs/bundle.ts';

const WRITERS = 16;

describe('writers that never pause', () => {
  it('all get their turn, and none is refused', async () => {
    const random = new Random(plan.seed, 'writers');
    const [directory, conversation] = [scratchDirectory(), uuid()];
    const [program, path] = [await bundleProgram('storeWriter', directory), join(directory, 'db', 'chat.db')];
    const recorder = new Recorder();
    const writers = Array.from({ length: WRITERS }, (_, index) => {
      return new Writer(`writer ${index}`, recorder, program, [path, conversation, `${random.whole(0, 2 ** 31)}`]);
    });
    await Promise.all(writers.map((writer) => writer.acknowledges(size(150, 10_000))));
    await Promise.all(writers.map((writer) => writer.kill()));
    assert.deepEqual(
      recorder.history.filter(({ result }) => result === 'fail'),
      [],
    );
    const waits = recorder.history.map(({ took }) => took).sort((a, b) => a - b);
    const [middle = 0, late = 0, longest = 0] = [0.5, 0.99, 1].map((part) => waits[Math.ceil(part * waits.length) - 1]);
    recorder.conclude(readState(path));
    const times = [middle, late, longest].map((wait) => Math.round(wait)).join(', ');
    report(`${waits.length} writes by ${WRITERS} writers; a half, 99 %, all of them within ${times} ms`);
  });
});
