// Catches up with a hub in a process of its own, and says how long that took and how long its event loop stood still.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Database } from '../../../src/store/database.ts';
import { readLink } from '../../../src/store/replica/link.ts';
import { TestReplica } from '../../hubClient/support/replicas.ts';
import type { CaughtUp, Task } from './catchUp.ts';

/** Resolution of the measurement of the event loop, in ms. */
const RESOLUTION = 1;

process.once('message', async ({ path, url, token, sequence }: Task) => {
  const replica = new TestReplica(await Database.open(path, () => []));
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION });
  const began = performance.now();
  delays.enable();
  replica.connect({ url, token });
  await replica.until(() => (readLink(replica.db)?.cursor ?? 0) >= sequence);
  const took = performance.now() - began;
  delays.disable();
  await replica.disconnect();
  await replica.db.close();
  const late = (nanoseconds: number) => nanoseconds / 1e6 - RESOLUTION;
  const answer: CaughtUp = { took, usual: late(delays.percentile(99)), longest: late(delays.max) };
  process.send?.(answer, () => process.disconnect());
});
