import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { v7 as uuid } from 'uuid';
import { Random } from '../../support/random.ts';
import { scratchDirectory } from '../fleet/cleanup.ts';
import { Writer } from '../fleet/writer.ts';
import { Recorder } from '../history/recorder.ts';
import { readState } from '../history/state.ts';
import { plan, report, size } from '../plan.ts';
import { bundleProgram } from '../programs/bundle.ts';

/** Writers that run at a time, and how often each lane is killed on one database before it is checked. */
const LANES = 4;
const KILLS = 10;

/** How many of them are killed around their opening of the database, as a share. */
const OPENING = 0.3;

/** How much the others have stored at most. */
const WRITES = 12;

/** How much longer each of them lives at most, in ms. */
const LIFE = 10;

/** Databases that are written to at a time. */
const DATABASES = 2;

describe('the store', () => {
  const total = { kills: 0, acknowledged: 0, opening: 0, writing: 0 };

  /** Kills writers of one database one after the other, several at a time, then checks what they leave. */
  async function round(number: number, directory: string, program: string): Promise<void> {
    const recorder = new Recorder();
    const path = join(directory, `${number}`, 'chat.db');
    const conversation = uuid();
    const lane = async (_: unknown, index: number) => {
      const random = new Random(plan.seed, `store ${number} ${index}`);
      for (let kill = 0; kill < KILLS; kill++) {
        const programArguments = [path, conversation, `${random.whole(0, 2 ** 31)}`];
        const writer = new Writer(`writer ${index}.${kill}`, recorder, program, programArguments);
        if (random.next() < OPENING) await writer.begins();
        else await writer.acknowledges(random.whole(1, WRITES));
        await delay(random.next() * LIFE);
        await writer.kill();
        count(writer);
      }
    };
    await Promise.all(Array.from({ length: LANES }, lane));
    const state = readState(path);
    recorder.conclude(state);
    rmSync(join(directory, `${number}`), { recursive: true });
  }

  function count({ acknowledged, begun }: Writer): void {
    total.kills++;
    total.acknowledged += acknowledged;
    if (begun?.event.op === 'open') total.opening++;
    else if (begun) total.writing++;
  }

  it('keeps every acknowledged write when its processes are killed at any moment', async () => {
    const directory = scratchDirectory();
    const program = await bundleProgram('storeWriter', directory);
    const rounds = size(2000, 100_000) / (LANES * KILLS);
    let next = 0;
    const work = async () => {
      while (next < rounds) await round(next++, directory, program);
    };
    await Promise.all(Array.from({ length: DATABASES }, work));
    const { kills, acknowledged, opening, writing } = total;
    report(`${kills} kills, ${opening} while opening, ${writing} inside a write; ${acknowledged} acknowledged`);
  });
});
