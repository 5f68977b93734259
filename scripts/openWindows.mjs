// Opens two windows on one workspace with the extension of this repository. Run by start.mjs; ends when that ends.
import { cpSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { findDesktopEditor, hasDisplay, openDesktopWindow, openInBrowser } from './lib/desktop.mjs';
import { linkExtension } from './lib/editorExtensions.mjs';
import { startEditorHost } from './lib/editorHost.mjs';
import { editorVersion } from './lib/editorInstall.mjs';
import { presetUserSettings } from './lib/editorSettings.mjs';
import { cacheDir, root, runLogged, runMain, ScriptError, say, step } from './lib/step.mjs';
import { createTempDir, tempEnvironment } from './lib/tempDir.mjs';

const workspace = join(cacheDir, 'sample-workspace');
const devchatHome = process.env['DEVCHAT_HOME'] ?? join(cacheDir, 'devchat-home');
const extensionsDir = join(cacheDir, 'editor-host-extensions');
const windowNumbers = [1, 2];

await runMain(async () => {
  const stopped = stopSignal();
  await step('Building', () => runLogged(process.execPath, [join(root, 'scripts', 'build.mjs')]));
  if (!existsSync(workspace)) cpSync(join(root, 'sample'), workspace, { recursive: true });
  mkdirSync(devchatHome, { recursive: true });
  const program = findDesktopEditor();
  await (program ? runDesktop(program, stopped) : runInBrowser(stopped));
  // The channel to start.mjs would keep this process alive.
  if (process.connected) process.disconnect();
});

/**
 * @param {string} program
 * @param {Promise<void>} stopped
 */
async function runDesktop(program, stopped) {
  const windows = windowNumbers.map((number) => {
    const userDataDir = join(cacheDir, `desktop-data-${number}`);
    presetUserSettings(userDataDir);
    return openDesktopWindow({
      program,
      userDataDir,
      extensionsDir,
      devchatHome,
      development: root,
      folder: workspace,
    });
  });
  say(`\nTwo windows of ${program} open on ${workspace}.`);
  explain();
  await Promise.race([stopped, Promise.all(windows.map(({ exited }) => exited))]);
  await Promise.all(windows.map((window) => window.stop()));
}

/** @param {Promise<void>} stopped */
async function runInBrowser(stopped) {
  const userDataDir = join(cacheDir, 'editor-host-data');
  presetUserSettings(userDataDir);
  linkExtension(root, extensionsDir);
  const port = fixedPort();
  const temp = createTempDir();
  const env = tempEnvironment(temp.path);
  const host = await step('Starting the editor', () =>
    startEditorHost({ userDataDir, extensionsDir, devchatHome, port, env, driver: false }),
  );
  const urls = windowNumbers.map((window) => host.url(workspace, { window }));
  say(`\nVS Code ${editorVersion()} is ready. Each address is a window on ${workspace}:\n`);
  for (const url of urls) say(`${url}\n`);
  explain();
  if (hasDisplay()) for (const url of urls) openInBrowser(url);
  const ended = await Promise.race([stopped.then(() => false), host.exited.then(() => true)]);
  await host.stop();
  temp.remove();
  if (ended) throw new ScriptError('The editor has ended by itself.');
}

function explain() {
  say('Choose DevChat in the activity bar of both, write a message in one and see it in the other.');
  say(`The chats of this trial lie in ${devchatHome}.`);
  say('Press Ctrl-C to stop.');
}

/** @returns {number} */
function fixedPort() {
  const port = Number(process.env['DEVCHAT_PORT'] ?? 0);
  if (Number.isInteger(port) && port >= 0 && port < 65_536) return port;
  throw new ScriptError(`DEVCHAT_PORT is ${process.env['DEVCHAT_PORT']}, which is not a port.`);
}

/** @returns {Promise<void>} resolves when we are asked to stop, or when start.mjs has died */
function stopSignal() {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => resolve());
    process.on('disconnect', resolve);
  });
}
