// `npm start`: prepares the machine, then opens two windows until Ctrl-C.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import './lib/checkNode.mjs';
import { projectNode } from './lib/dependencies.mjs';
import { prepare } from './lib/prepare.mjs';
import { root, runMain } from './lib/step.mjs';

const parentCheckMilliseconds = 500;

await runMain(async () => {
  await prepare(['editor-or-desktop', 'browser-optional']);
  // A process of its own, because the Node that runs this may be too old for the editor.
  const windows = spawn(projectNode(), [join(root, 'scripts', 'openWindows.mjs')], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  });
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
    process.on(signal, () => windows.kill(signal));
  }
  whenOrphaned(() => windows.kill('SIGTERM'));
  process.exitCode = await new Promise((resolve) => {
    windows.once('exit', (code) => resolve(code ?? 1));
  });
});

/**
 * npm hands a signal only to its shell, which dies without handing it on; nothing but the parent's id tells.
 * @param {() => void} action
 */
function whenOrphaned(action) {
  if (!process.env['npm_lifecycle_event']) return;
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    action();
  }, parentCheckMilliseconds);
  timer.unref();
}
