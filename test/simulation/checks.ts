import type { SimulatedWindow } from './window.ts';
import { leaderOf, living, openWindow, type World } from './world.ts';

/** How long all may take to be well again after the last fault, in ms. */
const RECOVERY = 30_000;

/** How often it is looked whether all is well, in ms. */
const INTERVAL = 500;

/** Waits until all is as it must be when nothing happens any more. */
export async function settle(world: World): Promise<void> {
  const { machine } = world;
  if (!living(world).some(({ leads }) => leads)) openWindow(world);
  let found: string[] = [];
  for (let left = RECOVERY; left > 0; left -= INTERVAL) {
    for (const window of living(world)) for (const id of window.streams) void window.finish(id);
    await machine.clock.pass(INTERVAL);
    found = problems(world);
    if (found.length === 0) return;
  }
  machine.report(`after ${RECOVERY / 1000} s ${found[0]}`);
  machine.assertSound();
}

function problems(world: World): string[] {
  const windows = living(world);
  const names = windows.map(({ self }) => self.instanceId).sort();
  return [
    ...windows.flatMap((window) => windowProblems(world, window, names)),
    ...windows.flatMap((window) => presenceProblems(windows, window)),
    ...registryProblems(world, names),
    ...connectionProblems(world, windows.length),
    ...leaderProblems(world),
    ...[...world.texts].flatMap(([id, text]) => streamProblems(world, id, text)),
  ];
}

/** A window is connected with every other one, and its client holds what the database holds. */
function windowProblems({ disk: { database } }: World, window: SimulatedWindow, all: readonly string[]): string[] {
  const { name, client, engine } = window;
  if (!window.isUpToDate || !client || !engine) return [`${name} has not read everything`];
  const connected = [...engine.peers.map(({ instanceId }) => instanceId), window.self.instanceId].sort();
  const rows = [...database.conversations.values(), ...database.messages.values()];
  return [
    ...(window.leaderTold === database.leader.epoch ? [] : [`${name} was not told who leads`]),
    ...(connected.join() === all.join() ? [] : [`${name} is not connected with everyone`]),
    ...(rows.length === client.size ? [] : [`${name} holds ${client.size} of ${rows.length} rows`]),
    ...rows.filter((row) => client.row(row.id) !== row).map(({ id }) => `${name} holds an old version of ${id}`),
  ];
}

/** A window knows what the others see. */
function presenceProblems(all: readonly SimulatedWindow[], { name, self, viewers }: SimulatedWindow): string[] {
  const seen = all.filter((other) => other.self !== self).flatMap(({ shown }) => shown ?? []);
  const told = viewers.flatMap(({ conversationId, windows }) => Array<string>(windows).fill(conversationId));
  return seen.sort().join() === told.sort().join() ? [] : [`${name} does not know what the others see`];
}

/** Who is registered lives. */
function registryProblems({ disk: { database } }: World, all: readonly string[]): string[] {
  return [...database.peers.values()]
    .filter(({ instanceId }) => !all.includes(instanceId))
    .map(({ editor }) => `${editor} is still registered`);
}

/** Between two windows there is one connection, on which bytes arrive. */
function connectionProblems({ machine, network: { links } }: World, count: number): string[] {
  const isDead = links.some((link) => link.isBlackHole || link.stalledUntil > machine.clock.now());
  const expected = (count * (count - 1)) / 2;
  return [
    ...(isDead ? ['a dead connection is still kept'] : []),
    ...(links.length === expected ? [] : [`there are ${links.length} connections in place of ${expected}`]),
  ];
}

/** Somebody leads who lives, and there was one leader per epoch. */
function leaderProblems(world: World): string[] {
  const { leaders } = world.disk.database;
  const isLed = leaderOf(world)?.leads || !living(world).some(({ leads }) => leads);
  return [
    ...(isLed ? [] : ['nobody who lives leads']),
    ...leaders
      .filter(({ epoch }, index) => epoch !== index)
      .map(({ instanceId, epoch }) => `${instanceId} leads in epoch ${epoch} as well`),
  ];
}

/** A stream has ended complete or interrupted, wherever its conversation is, and holds its text from the beginning on. */
function streamProblems({ disk: { database } }: World, id: string, text: string): string[] {
  const row = database.messages.get(id);
  if (!row || row.deletedAt !== null) return [];
  if (!text.startsWith(row.content)) return [`stream ${id} holds what nobody sent`];
  if (row.status === 'complete' && row.content !== text) return [`stream ${id} is complete without its end`];
  return row.status !== 'streaming' ? [] : [`stream ${id} has not ended`];
}
