import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { root } from '../../../scripts/lib/step.mjs';
import { createTempDir } from '../../../scripts/lib/tempDir.mjs';
import { startTestEditor } from '../../support/editorHost.ts';
import { startOtherProgram } from '../../support/otherProgram.ts';
import type { RpcClient } from '../../support/rpcClient.ts';
import { Windows } from '../../support/windows.ts';
import { projectIn, writeCorpus } from './corpus.ts';

const probe = join(import.meta.dirname, 'probeExtension');

/** How long what the start of the window and of the other instance have left behind may take, in ms. */
const SETTLING = 5000;

/** For how long the extension host is looked at afterwards, in ms. */
const AFTER = 1000;

/** How long the machine is kept busy by others for comparison, in ms. */
const BUSY = 15_000;

/** How late the event loop of a window's extension host was, in ms: of each half second, ascending. */
export interface HostDelay {
  p99: number[];
  max: number[];
  /** The most, without the time in which the thread was ready and others had the processors. */
  blocked: number[];
}

/** How long reading has taken, in ms, and how late the extension host was meanwhile, and beside programs that only count. */
export interface WindowReading {
  duration: number;
  reading: HostDelay;
  control: HostDelay;
}

/** Has a window of a real editor, opened before, take in sessions of so many turns each; another instance asks for it. */
export async function readInWindow(sessions: number, turns: number): Promise<WindowReading> {
  const { path, remove } = createTempDir();
  const [home, prepared] = [join(path, 'agent'), join(path, 'prepared')];
  const file = join(path, 'delay');
  const extensionsDir = join(path, 'ext');
  cpSync(probe, join(extensionsDir, 'devchat-test.event-loop-probe-1.0.0'), { recursive: true });
  const editor = await startTestEditor({ extensionsDir, env: { CLAUDE_CONFIG_DIR: home, LOOP_DELAY_FILE: file } });
  try {
    const { workspace } = editor;
    writeCorpus(prepared, sessions, turns, { folder: workspace });
    mkdirSync(dirname(projectIn(home, workspace)), { recursive: true });
    const windows = await Windows.launch();
    let sibling: RpcClient | undefined;
    try {
      const window = await windows.open(editor.host.url(workspace, { development: root }));
      await window.showDevChat();
      // Begun earlier it might lead, and would read in the window's place.
      await delay(SETTLING);
      sibling = await startOtherProgram(editor);
      await delay(SETTLING);
      const during = async (work: () => Promise<unknown>) => {
        const begun = Date.now();
        await work();
        const duration = Date.now() - begun;
        // The last changes are still to be shown, and the last half second to be told.
        await delay(AFTER);
        return { duration, delay: readDelay(file, begun) };
      };
      const control = await during(keepBusy);
      await delay(SETTLING);
      const reading = await during(async () => {
        renameSync(projectIn(prepared, workspace), projectIn(home, workspace));
        // What has not changed for long is looked for once a minute only.
        await sibling?.request('ingest/rescan');
      });
      return { duration: reading.duration, reading: reading.delay, control: control.delay };
    } finally {
      sibling?.child.kill();
      await windows.close();
    }
  } finally {
    await editor.stop();
    remove();
  }
}

/** Keeps every processor busy with something else. */
async function keepBusy(): Promise<void> {
  const count = `const end = Date.now() + ${BUSY}; while (Date.now() < end);`;
  const counting = Array.from({ length: availableParallelism() }, () => spawn(process.execPath, ['-e', count]));
  await Promise.all(counting.map((child) => once(child, 'exit')));
}

function readDelay(file: string, since: number): HostDelay {
  const told = readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
    .filter(({ at }) => at > since);
  const ascending = (figure: keyof HostDelay) => told.map((one) => Number(one[figure])).sort((a, b) => a - b);
  return { p99: ascending('p99'), max: ascending('max'), blocked: ascending('blocked') };
}
