import { changes } from './changes.ts';
import { files } from './files.ts';
import { peers } from './peers.ts';
import type { Trap } from './protection.ts';
import { windows } from './windows.ts';
import { writes } from './writes.ts';

/** All that goes wrong in designs like this one, as far as a protection can be taken out. */
export const traps: readonly Trap[] = [...changes, ...writes, ...files, ...peers, ...windows];
