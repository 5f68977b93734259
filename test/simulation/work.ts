import type { SimulatedWindow } from './window.ts';
import type { World } from './world.ts';

/** How much a page of the change log holds; a larger transaction is told in one page all the same. */
const PAGE = 500;

/** A piece of which a few fill a connection, in UTF-16 code units. */
const LARGE = 90_000;

type Deed = (world: World, window: SimulatedWindow) => unknown;

const newId = ({ machine }: World) => machine.bytes(8).toString('hex');

function anyOf<T>({ machine }: World, items: Iterable<T>): T | undefined {
  const all = [...items];
  return all.length === 0 ? undefined : machine.random.pick(all);
}

function addMessages(world: World, window: SimulatedWindow, count: number): Promise<void> {
  const conversationId = anyOf(world, world.disk.database.conversations.keys()) ?? '';
  const messages = Array.from({ length: count }, () => ({ id: newId(world), content: newId(world) }));
  return window.write(({ database }) => database.addMessages(window.self.instanceId, conversationId, messages));
}

/** A message that no stream writes, for its text belongs to the stream. */
function anyMessage(world: World): string {
  return (
    anyOf(
      world,
      [...world.disk.database.messages.keys()].filter((id) => !world.texts.has(id)),
    ) ?? ''
  );
}

/** What users and programs do in a window; each failure is one that they may see. */
const deeds: readonly [weight: number, deed: Deed][] = [
  [10, (world, window) => addMessages(world, window, 1)],
  [4, (world, window) => addMessages(world, window, world.machine.random.whole(2, 30))],
  [0.3, (world, window) => addMessages(world, window, world.machine.random.whole(PAGE - 1, 2 * PAGE))],
  [
    4,
    (world, window) => {
      const [id, text] = [anyMessage(world), newId(world)];
      return window.write(({ database }) => database.updateMessage(window.self.instanceId, id, text));
    },
  ],
  [
    1,
    (world, window) => {
      const id = anyOf(world, world.disk.database.messages.keys()) ?? '';
      return window.write(({ database }) => database.deleteMessage(window.self.instanceId, id));
    },
  ],
  [
    1,
    (world, window) => {
      const id = newId(world);
      return window.write(({ database }) => database.createConversation(window.self.instanceId, id, 'new'));
    },
  ],
  [
    2,
    (world, window) => {
      const [id, title] = [anyOf(world, world.disk.database.conversations.keys()) ?? '', newId(world)];
      return window.write(({ database }) => database.renameConversation(window.self.instanceId, id, title));
    },
  ],
  [
    1,
    (world, window) => {
      const id = anyOf(world, world.disk.database.conversations.keys()) ?? '';
      const isDeleted = world.machine.chance(40);
      return window.write(({ database }) => database.binConversation(window.self.instanceId, id, isDeleted));
    },
  ],
  [
    4,
    (world, window) => {
      const conversationId = anyOf(world, world.disk.database.conversations.keys()) ?? '';
      return window.startStream(conversationId, newId(world));
    },
  ],
  [20, (world, window) => appendTo(world, window, newId(world))],
  [
    0.1,
    (world, window) => {
      for (let count = world.machine.random.whole(1, 16); count > 0; count--)
        appendTo(world, window, 'x'.repeat(LARGE));
    },
  ],
  [
    2,
    (world, window) => {
      window.show(anyOf(world, [null, ...world.disk.database.conversations.keys()]) ?? null);
    },
  ],
  [
    3,
    (world, window) => {
      const id = anyOf(world, window.streams);
      return id === undefined ? undefined : window.finish(id);
    },
  ],
];

function appendTo(world: World, window: SimulatedWindow, text: string): unknown {
  const id = anyOf(world, window.streams);
  return id === undefined ? undefined : window.append(id, text);
}

/** Does one thing in one window. */
export function work(world: World): void {
  const { machine } = world;
  const window = anyOf(
    world,
    world.windows.filter(({ isReady }) => isReady),
  );
  if (!window) return;
  void machine.random.weighted(deeds)(world, window);
}
