import { ModelDatabase } from './database.ts';
import type { Machine } from './machine.ts';
import { Network } from './network.ts';
import type { Disk } from './store.ts';
import { SimulatedWindow } from './window.ts';

/** The machine with all that its windows share. */
export interface World {
  machine: Machine;
  network: Network;
  disk: Disk;
  /** Every window that was ever opened. */
  windows: SimulatedWindow[];
  /** Texts of the messages that were ever streamed. */
  texts: Map<string, string>;
}

/** A machine without a window, with a database that holds one conversation. */
export function newWorld(machine: Machine): World {
  const database = newDatabase(machine);
  database.createConversation('somebody', 'first', 'First');
  return {
    machine,
    network: new Network(),
    disk: { database, failures: { reads: 0, writes: 0 } },
    windows: [],
    texts: new Map(),
  };
}

/** An empty database with a secret of its own. */
export function newDatabase(machine: Machine): ModelDatabase {
  return new ModelDatabase(machine.bytes(8).toString('hex'), () => machine.clock.wallTime());
}

/** Opens a window, or with `leads: false` a program that stays only for a moment. */
export function openWindow(world: World, leads = true): void {
  world.windows.push(new SimulatedWindow(world, { leads }));
}

/** The windows whose processes have not ended, frozen ones included. */
export function living({ windows }: World): SimulatedWindow[] {
  return windows.filter(({ process }) => !process.hasEnded);
}

/** The window that leads by the record, if it lives. */
export function leaderOf(world: World): SimulatedWindow | undefined {
  return living(world).find(({ self }) => self.instanceId === world.disk.database.leader.instanceId);
}
