import { cpSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { root } from '../../../scripts/lib/step.mjs';
import { createTempDir } from '../../../scripts/lib/tempDir.mjs';
import { startTestEditor } from '../../support/editorHost.ts';
import { RpcClient } from '../../support/rpcClient.ts';
import { Windows } from '../../support/windows.ts';
import { projectIn, writeCorpus } from './corpus.ts';

const probe = join(import.meta.dirname, 'probeExtension');
const program = join(root, 'dist', 'cli.cjs');

/** How long what the start of the window has left behind may take, in ms. */
const SETTLING = 5000;

/** How late the event loop of a window's extension host was, in ms: of each half second, the p99 and the most. */
export interface HostDelay {
  duration: number;
  p99: number[];
  max: number[];
}

/** Has a window of a real editor, opened before, take in sessions of so many turns each; another instance asks for it. */
export async function readInWindow(sessions: number, turns: number): Promise<HostDelay> {
  const { path, remove } = createTempDir();
  const [home, prepared] = [join(path, 'agent'), join(path, 'prepared')];
  const file = join(path, 'delay');
  const extensionsDir = join(path, 'ext');
  cpSync(probe, join(extensionsDir, 'devchat-test.event-loop-probe-1.0.0'), { recursive: true });
  const editor = await startTestEditor({ extensionsDir, env: { CLAUDE_CONFIG_DIR: home, LOOP_DELAY_FILE: file } });
  try {
    const { workspace, devchatHome } = editor;
    writeCorpus(prepared, sessions, turns, { folder: workspace });
    mkdirSync(dirname(projectIn(home, workspace)), { recursive: true });
    const windows = await Windows.launch();
    let sibling: RpcClient | undefined;
    try {
      const window = await windows.open(editor.host.url(workspace, { development: root }));
      await window.showDevChat();
      await delay(SETTLING);
      sibling = new RpcClient(program, ['serve', '--stdio'], { DEVCHAT_HOME: devchatHome });
      await sibling.request('initialize', { workspaceFolder: workspace, client: 'bench' });
      const begun = Date.now();
      renameSync(projectIn(prepared, workspace), projectIn(home, workspace));
      // What has not changed for long is looked for once a minute only.
      await sibling.request('ingest/rescan');
      const ended = Date.now();
      const told = readFileSync(file, 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
      const meanwhile = told.filter(({ at }) => at > begun && at <= ended);
      const ascending = (figure: 'p99' | 'max') => meanwhile.map((one) => Number(one[figure])).sort((a, b) => a - b);
      return { duration: ended - begun, p99: ascending('p99'), max: ascending('max') };
    } finally {
      sibling?.child.kill();
      await windows.close();
    }
  } finally {
    await editor.stop();
    remove();
  }
}
