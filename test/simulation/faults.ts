import type { Machine } from './machine.ts';
import type { SimulatedWindow } from './window.ts';
import { work } from './work.ts';
import { living, newDatabase, openWindow, type World } from './world.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Most windows that are open at once. */
const MAX_WINDOWS = 6;

/** What rows of the registry are called that no instance has made. */
const POISON = 'poison';

type Fault = (world: World) => unknown;

function sleep(machine: Machine, ms: number): void {
  machine.note('the machine sleeps');
  machine.clock.sleep(ms);
}

/** Does something to one of the windows that live. */
const toAWindow =
  (harm: (window: SimulatedWindow, world: World) => unknown): Fault =>
  (world) => {
    const candidates = living(world);
    return candidates.length === 0 ? undefined : harm(world.machine.random.pick(candidates), world);
  };

/** Does something to one of the connections. */
const toALink =
  (harm: (link: World['network']['links'][number], world: World) => void): Fault =>
  (world) => {
    const { links } = world.network;
    if (links.length > 0) harm(world.machine.random.pick(links), world);
  };

/** What happens to windows, connections, clocks and the disk. */
export const faults: Record<string, Fault> = {
  opening: (world) => {
    if (living(world).length < MAX_WINDOWS) openWindow(world, !world.machine.chance(15));
  },
  closing: toAWindow((window) => void window.close()),
  freezing: toAWindow(({ process }, { machine: { random } }) =>
    process.freeze(random.pick([50, 1000, 4000, 12_000]) * (0.5 + random.next())),
  ),
  /** A window is frozen, taken for dead or hardly connected, and wakes after the time at which the log is pruned. */
  outliving: toAWindow(async ({ process }, world) => {
    const { machine, network } = world;
    const isConnected = machine.chance(50);
    if (isConnected) {
      for (const link of network.links) link.cut();
      await machine.clock.pass(50);
    }
    process.freeze();
    for (let deeds = 0; deeds < 6; deeds++) {
      work(world);
      await machine.clock.pass(isConnected ? 50 : 1000);
    }
    sleep(machine, 25 * HOUR);
    await machine.clock.pass(500);
    process.resume();
  }),
  killing: toAWindow(({ process }) => process.end()),
  killingInAStep: toAWindow(({ process }, { machine }) => process.endWithin(machine.random.whole(1, 12))),
  breaking: toALink((link) => link.cut()),
  /** One end or the other closes later, and nobody hears of it. */
  halfOpen: toALink((link) => {
    link.isBlackHole = true;
  }),
  stalling: toALink((link, { machine: { clock, random } }) => {
    link.stalledUntil = Math.max(link.stalledUntil, clock.now() + random.pick([100, 1500, 6000]));
  }),
  hiding: ({ machine, network }) => {
    if (network.hidden.size > 0) network.hidden.clear();
    else if (network.endpoints.length > 0) network.hidden.add(machine.random.pick(network.endpoints));
  },
  failingDisk: ({ machine, disk }) => {
    disk.failures.reads = machine.random.pick([0, 5, 50]);
    disk.failures.writes = machine.random.pick([0, 20, 100]);
  },
  sleeping: ({ machine }) => sleep(machine, machine.random.pick([3000, 7 * MINUTE, 2 * HOUR, 25 * HOUR])),
  clock: ({ machine }) => {
    machine.note('the wall clock jumps');
    machine.clock.jump(machine.random.pick([-DAY, DAY, 2 * DAY]));
  },
  replacing: ({ machine, disk }) => {
    machine.note('the database is replaced');
    disk.database = machine.chance(50) ? disk.database.copy() : newDatabase(machine);
  },
  forgetting: ({ machine, disk: { database } }) => {
    if (database.peers.size > 0) database.remove(machine.random.pick([...database.peers.keys()]));
  },
  /** A row of the registry leads to another instance, or nowhere. */
  poisoning: ({ machine, network, disk: { database } }) => {
    const endpoint = machine.random.pick([...network.endpoints, '/run/nothing.sock']);
    const instanceId = `${POISON}-${machine.bytes(4).toString('hex')}`;
    network.shared.add(endpoint);
    database.register({ instanceId, endpoint, pid: 1, editor: POISON, version: '1', startedAt: 0 });
  },
};

/** Ends all that is wrong and could go on. */
export function heal({ machine, network, disk, windows }: World): void {
  machine.note('all is well from now on');
  machine.isCalm = true;
  network.hidden.clear();
  disk.failures.reads = 0;
  disk.failures.writes = 0;
  for (const { instanceId, editor } of disk.database.peers.values()) {
    if (editor === POISON) disk.database.remove(instanceId);
  }
  for (const { process } of windows) {
    process.endWithin(Number.POSITIVE_INFINITY);
    process.resume();
  }
}
