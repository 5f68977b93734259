import { settle } from './checks.ts';
import { faults, heal } from './faults.ts';
import { Machine, Violation } from './machine.ts';
import { probe } from './probes.ts';
import { work } from './work.ts';
import { living, newWorld, openWindow, type World } from './world.ts';

/** How long what was on its way may take to arrive after the last fault, in ms. */
const SLOWEST = 1500;

/** How long leaving may take, in ms. */
const LEAVING = 5000;

/** How a run has ended. */
export interface Outcome {
  seed: number;
  /** Differs when anything else happened. */
  hash: string;
  /** What did not hold; undefined when all did. */
  problem: string | undefined;
}

/**
 * Runs a simulation, all of which follows from the seed.
 * @param lines takes the record of what happened
 */
export async function simulate(
  run: (machine: Machine) => Promise<void>,
  seed: number,
  lines?: string[],
): Promise<Outcome> {
  const machine = new Machine(seed, lines);
  const fail = (error: unknown) => machine.report(`unhandled: ${String(error)}`);
  process.on('unhandledRejection', fail);
  try {
    await run(machine);
    machine.assertSound();
    return { seed, hash: machine.hash, problem: undefined };
  } catch (error) {
    const problem = error instanceof Violation ? error.message : String(error instanceof Error ? error.stack : error);
    return { seed, hash: machine.hash, problem };
  } finally {
    process.off('unhandledRejection', fail);
  }
}

/** Runs a handful of windows through an hour of work and misfortune. */
export async function runWindows(machine: Machine): Promise<void> {
  const world = newWorld(machine);
  await turbulence(world);
  heal(world);
  await machine.clock.pass(SLOWEST);
  await settle(world);
  await probe(world);
  await closeAll(world);
}

/** Everybody works, and faults of some of the kinds come between. */
async function turbulence(world: World): Promise<void> {
  const { machine } = world;
  const { random } = machine;
  for (let count = random.whole(2, 5); count > 0; count--) openWindow(world, !machine.chance(15));
  const kinds = Object.values(faults).filter(() => machine.chance(35));
  const pause = random.pick([30, 150, 600]);
  for (let step = random.whole(15, 50); step > 0; step--) {
    await machine.clock.pass(random.next() * 2 * pause);
    if (kinds.length > 0 && machine.chance(20)) await random.pick(kinds)(world);
    else work(world);
  }
}

/** Closes all windows, after which nothing may be left. */
async function closeAll(world: World): Promise<void> {
  const { machine, network, disk } = world;
  for (const window of living(world)) {
    void window.close();
    await machine.clock.pass(machine.random.pick([0, 100]));
  }
  await machine.clock.pass(LEAVING);
  for (const { name } of living(world)) machine.report(`${name} does not close`);
  if (network.links.length > 0) machine.report(`${network.links.length} connections are left`);
  for (const { editor } of disk.database.peers.values()) machine.report(`${editor} is registered after closing`);
}
