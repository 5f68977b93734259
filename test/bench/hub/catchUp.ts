import { fork } from 'node:child_process';
import { join } from 'node:path';
import { nextMessage } from '../processes.ts';

/** What a replica is to do: to come as far as this number of a hub's events. */
export interface Task {
  /** Of its database, which is made if need be. */
  path: string;
  url: string;
  token: string;
  sequence: number;
}

/** How long it took, and how long the event loop stood still: in 99 % of the time, and at most. In ms. */
export interface CaughtUp {
  took: number;
  usual: number;
  longest: number;
}

/** Has a replica catch up with a hub, in a process of its own. */
export function catchUp(task: Task): Promise<CaughtUp> {
  const child = fork(join(import.meta.dirname, 'behind.ts'));
  const done = nextMessage(child);
  child.send(task);
  return done as Promise<CaughtUp>;
}
