// An instance with ingestion, in a process of its own, driven by the bench: begins when it is told to, says when all was
// read, and of every commit when it was made.
//   node host.ts DATABASE
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { v7 as uuid } from 'uuid';
import * as v from 'valibot';
import { type Ingest, startIngest } from '../../../src/ingest/ingest.ts';
import { Workspace } from '../../../src/instance/workspace.ts';
import { IngestSettings } from '../../../src/protocol/ingest.ts';
import { now } from '../propagation/messages.ts';
import { FOLDER } from './corpus.ts';

/** What the bench asks of the host. */
export type HostCommand = 'ingest' | 'close';

/** What the host tells the bench; times are in ms, `at` in ns of the clock that all processes share. */
export type HostReport =
  | { type: 'ready' }
  | { type: 'commit'; at: number }
  | { type: 'settled'; duration: number; loopDelay: { p99: number; max: number }; peakMemory: number };

/** How often the event loop is looked at, in ms. */
const RESOLUTION = 1;

const [database = ''] = process.argv.slice(2);
const self = { instanceId: uuid(), editor: 'bench', version: 'bench', pid: process.pid };
const report = (message: HostReport) => process.send?.(message);
let told: () => void = () => undefined;
let ingest: Ingest | undefined;

const workspace = await Workspace.open(
  database,
  self,
  {
    // A client hears of everything.
    notify: (method, params) => {
      process.stdout.write(`${JSON.stringify({ method, params })}\n`);
      told();
    },
    replaced: () => undefined,
  },
  { log: () => undefined, leads: true },
);
while (workspace.status().leader?.instanceId !== self.instanceId)
  await new Promise<void>((resolve) => (told = resolve));

process.on('message', async (command: HostCommand) => {
  if (command === 'ingest') await begin();
  if (command !== 'close') return;
  await ingest?.close();
  await workspace.close();
  process.disconnect();
});
report({ type: 'ready' });

async function begin(): Promise<void> {
  const loop = monitorEventLoopDelay({ resolution: RESOLUTION });
  loop.enable();
  const started = performance.now();
  ingest = await startIngest({
    db: workspace.db,
    leader: { instanceId: self.instanceId, epoch: workspace.status().leader?.epoch ?? 0 },
    folders: [FOLDER],
    settings: v.parse(IngestSettings, { sources: ['claude-code'] }),
    log: () => undefined,
    onCommitted: () => {
      report({ type: 'commit', at: now() });
      workspace.committed();
    },
  });
  await ingest.settled();
  const duration = performance.now() - started;
  loop.disable();
  const late = (ns: number) => Math.max(0, ns / 1e6 - RESOLUTION);
  const loopDelay = { p99: late(loop.percentile(99)), max: late(loop.max) };
  report({ type: 'settled', duration, loopDelay, peakMemory: process.resourceUsage().maxRSS * 1024 });
}
