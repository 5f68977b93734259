import type { Machine } from '../machine.ts';
import { noTroubles } from './connection.ts';
import type { Replica } from './replica.ts';
import { newId, type World } from './work.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

type Fault = (world: World) => unknown;

const toAReplica =
  (harm: (replica: Replica, machine: Machine) => unknown): Fault =>
  ({ machine, replicas }) =>
    harm(machine.random.pick(replicas), machine);

/** What happens to machines, connections, clocks and the hub. */
export const faults: Record<string, Fault> = {
  killing: toAReplica(({ process }) => process.end()),
  killingInAStep: toAReplica(({ process }, { random }) => process.endWithin(random.whole(1, 12))),
  freezing: toAReplica(({ process }, { random }) => process.freeze(random.pick([50, 1000, 30_000]))),
  reconnecting: toAReplica((replica) => void replica.reconnect()),
  /** A machine is without network, until this comes again. */
  parting: toAReplica((replica) => {
    replica.isOffline = !replica.isOffline;
    if (replica.isOffline) replica.cut();
  }),
  breaking: toAReplica((replica) => replica.cut()),
  stalling: ({ machine, server: { links } }) => {
    if (links.length > 0) machine.random.pick(links).stall();
  },
  troubling: ({ machine: { random }, server }) => {
    const percent = () => random.pick([0, 0, 3, 20]);
    server.troubles = {
      ...{ lost: percent(), repeated: percent(), cut: percent() },
      ...{ unavailable: percent(), unheard: percent(), refused: percent() },
    };
  },
  /** The hub is stopped, until this comes again. */
  stopping: ({ server }) => {
    server.isDown = !server.isDown;
    if (server.isDown) server.endAll();
  },
  cleaning: ({ machine, server: { hub } }) => {
    machine.note('the log is cleaned');
    hub.prune(machine.random.whole(0, hub.head));
  },
  backingUp: (world) => {
    world.backup = world.server.hub.copy(newId(world));
  },
  restoring: (world) => {
    const { machine, server, backup } = world;
    if (!backup) return;
    machine.note('the hub is restored');
    world.isRestored = true;
    server.hub = backup.copy(newId(world));
    server.endAll();
  },
  sleeping: ({ machine }) => machine.clock.sleep(machine.random.pick([3000, 7 * MINUTE])),
  clock: ({ machine }) => machine.clock.jump(machine.random.pick([-DAY, DAY])),
};

/** Ends all that is wrong and could go on. */
export function heal({ machine, server, replicas }: World): void {
  machine.note('all is well from now on');
  machine.isCalm = true;
  server.isDown = false;
  server.troubles = noTroubles;
  // The hub finds out what it may not have heard.
  server.hint();
  for (const replica of replicas) {
    replica.isOffline = false;
    replica.process.endWithin(Number.POSITIVE_INFINITY);
    replica.process.resume();
  }
}
