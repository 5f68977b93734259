import { settle } from './checks.ts';
import type { SimulatedWindow } from './window.ts';
import { leaderOf, living, type World } from './world.ts';

const SECOND = 1000;
const HOUR = 3600 * SECOND;

/** What “at once” means, in ms: some turns of processes, sockets and disk. */
const PROMPT = 100;

/** How long all may take to be told of what all write at once, in ms. */
const PROPAGATION = 250;

/** Messages of one burst: more than a page of the change log. */
const BURST = 600;

/** How long it may take until another leads than one that froze, in ms. */
const TAKEOVER = 5 * SECOND;

/** How long leaving may take, whatever the peers do, in ms. */
const LEAVING = 3 * SECOND;

const newId = ({ machine }: World) => machine.bytes(8).toString('hex');

/** One window writes, little or much, and the others are told at once, even if the nudge is lost with its connection. */
async function tell(world: World): Promise<void> {
  const { machine, network } = world;
  const writer = machine.random.pick(living(world));
  const conversationId = newId(world);
  const isLost = machine.chance(50);
  void writer
    .write(({ database }) => {
      const { instanceId } = writer.self;
      database.createConversation(instanceId, conversationId, 'new');
      for (let count = machine.random.pick([0, 1, 600]); count > 0; count--) {
        database.addMessages(instanceId, conversationId, [{ id: newId(world), content: 'text' }]);
      }
    })
    .then(() => {
      if (isLost) for (const link of network.links) link.cut();
    });
  await machine.clock.pass(PROMPT);
  for (const window of living(world)) {
    if (!window.isUpToDate) machine.report(`${window.name} was not told at once of what ${writer.name} has written`);
  }
}

/** All windows write more than a page at once, and all know of it in time. */
async function burst(world: World): Promise<void> {
  const { machine } = world;
  for (const window of living(world)) {
    const { instanceId } = window.self;
    const conversationId = newId(world);
    const messages = Array.from({ length: BURST }, () => ({ id: newId(world), content: 'text' }));
    void window.write(({ database }) => {
      database.createConversation(instanceId, conversationId, 'new');
      for (const message of messages) database.addMessages(instanceId, conversationId, [message]);
    });
  }
  await machine.clock.pass(PROPAGATION);
  for (const { name, isUpToDate } of living(world)) {
    if (!isUpToDate) machine.report(`${name} does not know what all have written ${PROPAGATION} ms ago`);
  }
}

/** The leader freezes or dies, and another one leads in time. */
async function failOver(world: World): Promise<void> {
  const { machine } = world;
  const leader = leaderOf(world);
  if (!leader || !living(world).some((window) => window !== leader && window.leads)) return;
  const isFrozen = machine.chance(50);
  if (isFrozen) leader.process.freeze();
  else leader.process.end();
  await machine.clock.pass(isFrozen ? TAKEOVER : PROMPT);
  if ((leaderOf(world) ?? leader) === leader) {
    machine.report(`nobody has taken over from ${leader.name}, which ${isFrozen ? 'froze' : 'died'}`);
  }
  leader.process.resume();
}

/** The machine sleeps, for which nobody is blamed: who led leads. */
async function sleep(world: World): Promise<void> {
  const { machine } = world;
  const leader = leaderOf(world);
  machine.note('all sleep');
  machine.clock.sleep(HOUR);
  await machine.clock.pass(2 * SECOND);
  if (leaderOf(world) !== leader) machine.report('another one leads after all have slept');
}

/** A window leaves in time, though a peer does not read what it was sent. */
async function leave(world: World): Promise<void> {
  const { machine } = world;
  const [leaving, frozen] = machine.random.shuffle(living(world));
  if (!leaving || !frozen) return;
  frozen.process.freeze();
  await burden(world, leaving);
  void leaving.close();
  await machine.clock.pass(LEAVING);
  if (!leaving.process.hasEnded) machine.report(`${leaving.name} does not leave, for ${frozen.name} is frozen`);
  frozen.process.resume();
}

/** Has a window send more than a connection takes, and less than it gives a peer up for. */
async function burden(world: World, window: SimulatedWindow): Promise<void> {
  const conversationId = [...world.disk.database.conversations.values()].find(
    ({ deletedAt }) => deletedAt === null,
  )?.id;
  const id = newId(world);
  void window.startStream(conversationId ?? '', id);
  await world.machine.clock.pass(50);
  for (let count = 0; count < 2; count++) void window.append(id, 'x'.repeat(90_000));
}

/** When nothing happens, nothing is written. */
async function idle(world: World): Promise<void> {
  const { machine } = world;
  const before = living(world).map(({ writes }) => writes);
  machine.note('a minute passes');
  await machine.clock.pass(60 * SECOND);
  for (const [index, window] of living(world).entries()) {
    if (window.writes !== before[index]) machine.report(`${window.name} has written, though it was idle`);
  }
}

const probes: readonly [percent: number, probe: (world: World) => Promise<void>][] = [
  [100, tell],
  [4, burst],
  [100, failOver],
  [20, sleep],
  [6, leave],
  [8, idle],
];

/** Tries what must hold when all is well, one thing after the other. */
export async function probe(world: World): Promise<void> {
  for (const [percent, attempt] of probes) {
    if (!world.machine.chance(percent)) continue;
    await attempt(world);
    world.machine.assertSound();
    await settle(world);
  }
}
