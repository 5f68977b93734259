import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { v7 as uuid } from 'uuid';
import { Random } from '../../support/random.ts';
import { Fleet, until } from '../fleet/fleet.ts';
import type { Window } from '../fleet/window.ts';
import { plan, report, size } from '../plan.ts';

/** How long a stream may look alive after its writer has died, in ms. */
const TAKEOVER = 5000;

/** Longest time from the beginning of a stream to the death of its writer, in ms. */
const LIFE = 1500;

/** Begins a stream and goes on with it until the writer dies. */
async function babble(writer: Window, conversationId: string, random: Random): Promise<string> {
  const id = uuid();
  await writer.write(
    'stream/start',
    { conversationId, id },
    { op: 'stream', message: id, conversation: conversationId },
  );
  const speak = async () => {
    for (let length = 0; writer.isAlive; ) {
      const piece = `${random.whole(0, 2 ** 31)} `;
      if (!(await writer.append(id, length, piece))) return;
      length += piece.length;
      await delay(random.whole(0, 20));
    }
  };
  void speak();
  return id;
}

describe('a stream', () => {
  it('keeps its beginning, and is soon called interrupted in every window, when its writer is killed', async () => {
    const random = new Random(plan.seed, 'killed writers');
    const fleet = new Fleet();
    const delays: number[] = [];
    await fleet.startAll(4);
    const conversation = (await random.pick([...fleet.windows]).create(uuid())) ?? '';
    for (let kill = 0; kill < size(6, 300); kill++) {
      const writer = random.pick([...fleet.windows]);
      const id = await babble(writer, conversation, random);
      await delay(random.whole(0, LIFE));
      await fleet.kill(writer);
      const killedAt = performance.now();
      const isOver = ({ replica }: Window) => replica.get(id)?.status === 'interrupted';
      await Promise.all([...fleet.windows].map((window) => until(window, 'change', isOver)));
      delays.push(performance.now() - killedAt);
      await fleet.start();
    }
    const longest = Math.max(...delays);
    assert.ok(longest <= TAKEOVER, `${longest} ms`);
    await fleet.conclude();
    report(`${delays.length} writers killed, interrupted everywhere within ${Math.round(longest)} ms`);
  });
});
