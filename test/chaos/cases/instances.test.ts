import { setTimeout as delay } from 'node:timers/promises';
import { Random } from '../../support/random.ts';
import { acknowledgements } from '../check/writes.ts';
import { Fleet } from '../fleet/fleet.ts';
import { chatter, type Topics } from '../fleet/traffic.ts';
import { plan, report, size } from '../plan.ts';

/** Kills on one database before its history is checked. */
const KILLS = 100;

/** Duration of the mode without a figure of kills, in ms. */
const DURATION = 5 * 60_000;

/** Kills random windows, and starts others, while all write, until it is over; then everything must hold. */
async function storm(title: string, windows: number, isOver: (kills: number) => boolean) {
  const fleet = new Fleet();
  const random = new Random(plan.seed, title);
  const topics: Topics = { conversations: [], messages: [] };
  const talks = new Set<Promise<unknown>>();
  let kills = 0;
  const start = () => {
    const talk = fleet
      .start()
      .then((window) => chatter(window, topics, random, () => isOver(kills)))
      // Killed while it opened.
      .catch(() => undefined)
      .finally(() => talks.delete(talk));
    talks.add(talk);
  };
  for (let count = 0; count < windows; count++) start();
  while (!isOver(kills)) {
    await delay(random.whole(0, 150));
    await fleet.kill(random.pick([...fleet.windows]));
    kills++;
    start();
  }
  await Promise.all(talks);
  const { messages } = await fleet.conclude();
  const acknowledged = acknowledgements(fleet.recorder.history);
  return { kills, acknowledged, messages: messages.length };
}

describe('instances', () => {
  it('lose and repeat nothing when random ones are killed while all write', async () => {
    const sizes = new Random(plan.seed, 'sizes of fleets');
    const total = { kills: 0, acknowledged: 0, messages: 0 };
    const wanted = size(300, 50_000);
    for (let round = 0; total.kills < wanted; round++) {
      const windows = [3, 5, 8][round] ?? sizes.whole(3, 8);
      const result = await storm(`storm ${round}`, windows, (kills) => kills >= Math.min(KILLS, wanted - total.kills));
      total.kills += result.kills;
      total.acknowledged += result.acknowledged;
      total.messages += result.messages;
    }
    report(`${total.kills} kills, ${total.acknowledged} writes acknowledged, ${total.messages} messages`);
  });

  it('lose and repeat nothing in five minutes of kills among eight', async function () {
    if (!plan.long) this.skip();
    const end = performance.now() + DURATION;
    const { kills, acknowledged } = await storm('five minutes', 8, () => performance.now() > end);
    report(`${kills} kills, ${acknowledged} writes acknowledged`);
  });
});
