import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { PassThrough } from 'node:stream';
import { editorDir, isEditorInstalled } from './editorInstall.mjs';
import { ProcessTree } from './processTree.mjs';
import { ScriptError } from './step.mjs';

const startTimeout = 60_000;
const host = '127.0.0.1';

/**
 * @typedef {object} EditorHostOptions
 * @property {string} userDataDir user settings, state and logs of the editor
 * @property {string} extensionsDir where installed extensions lie
 * @property {string} [devchatHome] DEVCHAT_HOME of the extension
 * @property {boolean} [trust] false: ask for workspace trust, as on the desktop; by default every folder is trusted
 * @property {boolean} [driver] VS Code's hook for tests, which an extension under development needs too; by default on.
 *   With it notifications appear only in their list, never as toasts
 * @property {number} [port] by default a free one
 * @property {NodeJS.ProcessEnv} [env] more environment variables
 * @property {string[]} [extraArgs] more arguments for the server
 * @property {(line: string) => void} [onOutput] gets what the server prints
 */

/**
 * @typedef {object} WindowOptions
 * @property {string} [development] an extension's folder, loaded as an extension under development
 * @property {string} [tests] a module in it whose `run()` is called inside the extension host
 * @property {number} [window] tells windows on one folder apart in the address
 */

/**
 * @typedef {object} EditorHost
 * @property {number} port
 * @property {(folderOrWorkspace: string, options?: WindowOptions) => string} url the address of a window
 * @property {Promise<unknown>} exited settles when the server has ended by itself
 * @property {() => Promise<void>} stop ends the server and everything it started
 */

/**
 * Starts VS Code's server; each browser page that opens one of its addresses is a window with its own extension host.
 * @param {EditorHostOptions} options
 * @returns {Promise<EditorHost>}
 */
export async function startEditorHost(options) {
  if (!isEditorInstalled()) throw new ScriptError('The editor is not installed: run `node scripts/setup.mjs editor`.');
  mkdirSync(options.userDataDir, { recursive: true });
  mkdirSync(options.extensionsDir, { recursive: true });
  const tree = new ProcessTree(process.execPath, serverArguments(options), {
    env: serverEnvironment(options),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  try {
    const port = await listening(tree, options.onOutput);
    const url = (/** @type {string} */ path, /** @type {WindowOptions} */ window = {}) => windowUrl(port, path, window);
    return { port, url, exited: tree.exited, stop: () => tree.stop() };
  } catch (error) {
    await tree.stop();
    throw error;
  }
}

/**
 * @param {EditorHostOptions} options
 * @returns {string[]}
 */
function serverArguments({ userDataDir, extensionsDir, trust = true, driver = true, port = 0, extraArgs = [] }) {
  return [
    join(editorDir, 'out', 'server-main.js'),
    ...['--host', host, '--port', String(port), '--without-connection-token', '--accept-server-license-terms'],
    ...['--user-data-dir', userDataDir, '--server-data-dir', join(userDataDir, 'server')],
    ...['--extensions-dir', extensionsDir, '--disable-telemetry', '--force-disable-user-env'],
    // Between processes of one machine it costs time only; the editor of a desktop has nothing like it.
    '--disable-websocket-compression',
    ...(driver ? ['--enable-smoke-test-driver'] : []),
    ...(trust ? ['--disable-workspace-trust'] : []),
    ...extraArgs,
  ];
}

/**
 * @param {EditorHostOptions} options
 * @returns {NodeJS.ProcessEnv}
 */
function serverEnvironment({ devchatHome, env }) {
  // A terminal of another VS Code would hand its own connection to ours.
  const inherited = Object.entries(process.env).filter(([name]) => !/^(VSCODE_|ELECTRON_|npm_)/.test(name));
  return { ...Object.fromEntries(inherited), ...(devchatHome ? { DEVCHAT_HOME: devchatHome } : {}), ...env };
}

/**
 * Waits for the line in which the server names its port.
 * @param {ProcessTree} tree
 * @param {(line: string) => void} [onOutput]
 * @returns {Promise<number>}
 */
function listening({ child, exited }, onOutput) {
  const output = new PassThrough();
  child.stdout?.pipe(output, { end: false });
  child.stderr?.pipe(output, { end: false });
  /** @type {string[]} */
  const lines = [];
  return new Promise((resolve, reject) => {
    const fail = (/** @type {string} */ why) =>
      reject(new ScriptError(`The editor ${why}.\n${lines.slice(-30).join('\n')}`));
    const timer = setTimeout(() => fail(`was not ready within ${startTimeout / 1000} s`), startTimeout);
    exited.then(() => fail('ended while starting')).finally(() => clearTimeout(timer));
    createInterface({ input: output }).on('line', (line) => {
      onOutput?.(line);
      const port = /Extension host agent listening on (\d+)/.exec(line)?.[1];
      if (port) resolve(Number(port));
      if (port) clearTimeout(timer);
      lines.push(line.slice(0, 200));
    });
  });
}

/**
 * @param {number} port
 * @param {string} path
 * @param {WindowOptions} options
 * @returns {string}
 */
function windowUrl(port, path, { development, tests, window }) {
  const remote = (/** @type {string} */ file) => `vscode-remote://${host}:${port}${file}`;
  const payload = [
    ...(development ? [['extensionDevelopmentPath', remote(development)]] : []),
    ...(tests ? [['extensionTestsPath', remote(tests)]] : []),
  ];
  const query = new URLSearchParams({ [path.endsWith('.code-workspace') ? 'workspace' : 'folder']: path });
  if (payload.length > 0) query.set('payload', JSON.stringify(payload));
  if (window !== undefined) query.set('window', String(window));
  return `http://${host}:${port}/?${query}`;
}
