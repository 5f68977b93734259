import type { Machine } from '../machine.ts';
import { assertNothingLost, problems } from './checks.ts';
import { HubServer } from './connection.ts';
import { pauseOn } from './database.ts';
import { faults, heal } from './faults.ts';
import { ModelHub } from './hub.ts';
import { Replica } from './replica.ts';
import { begin, type World, work } from './work.ts';

/** How long all may take to be equal after the last fault, in ms: a silent connection and the longest pauses. */
const RECOVERY = 120_000;
const INTERVAL = 1000;

/** How long it may take until dead connections and jumps of the clock are noticed, in ms. */
const NOTICED = 25_000;

/** How long nothing may happen when all are equal, in ms, and the time before in which the last place is acknowledged. */
const IDLE = 60_000;
const ACKNOWLEDGED = 2000;

const LEAVING = 1000;

/** Runs a hub and a handful of machines through some minutes of work and misfortune. */
export async function runHub(machine: Machine): Promise<void> {
  pauseOn(machine);
  const world = newWorld(machine);
  try {
    await turbulence(world);
    heal(world);
    await machine.clock.pass(NOTICED);
    await settle(world);
    assertNothingLost(world);
    await idle(world);
    await closeAll(world);
  } finally {
    for (const { file } of world.replicas) file.remove();
  }
}

function newWorld(machine: Machine): World {
  const server = new HubServer(machine, new ModelHub('first', () => machine.clock.now()));
  const { random } = machine;
  const names = ['ann', 'bob', 'carl', 'dora'].slice(0, random.whole(2, 4));
  return {
    ...{ machine, server, backup: undefined, isRestored: false },
    replicas: names.map((name) => new Replica(server, { name, share: random.pick(['none', 'all']) })),
    ...{ acknowledged: new Map(), texts: new Map(), edits: [], marked: new Set(), deleted: new Set(), kept: new Map() },
  };
}

/** Everybody works, and faults of some of the kinds come between. */
async function turbulence(world: World): Promise<void> {
  const { machine } = world;
  const { random } = machine;
  void begin(world);
  const kinds = Object.values(faults).filter(() => machine.chance(40));
  const pause = random.pick([20, 150, 1500]);
  for (let step = random.whole(20, 80); step > 0; step--) {
    await machine.clock.pass(random.next() * 2 * pause);
    if (kinds.length > 0 && machine.chance(25)) random.pick(kinds)(world);
    else work(world);
  }
}

/** Waits until all is as it must be when nothing happens any more. */
async function settle(world: World): Promise<void> {
  const { machine } = world;
  let found: string[] = [];
  for (let left = RECOVERY; left > 0; left -= INTERVAL) {
    await machine.clock.pass(INTERVAL);
    found = problems(world);
    if (found.length === 0) return;
  }
  machine.report(`after ${RECOVERY / 1000} s ${found[0]}`);
  machine.assertSound();
}

/** When nothing happens, nothing is written or sent. */
async function idle({ machine, server, replicas }: World): Promise<void> {
  await machine.clock.pass(ACKNOWLEDGED);
  const count = () => replicas.reduce((sum, { file }) => sum + file.writes, server.frames);
  const before = count();
  await machine.clock.pass(IDLE);
  if (count() !== before) machine.report('somebody was busy, though there was nothing to do');
}

/** Stops all clients, after which nothing may be left. */
async function closeAll({ machine, server, replicas }: World): Promise<void> {
  for (const { client } of replicas) void client.stop();
  await machine.clock.pass(LEAVING);
  if (server.links.length > 0) machine.report(`${server.links.length} connections are left`);
  for (const { name, process } of replicas) {
    if (process.timers > 0) machine.report(`${process.timers} timers of ${name} are left`);
  }
}
