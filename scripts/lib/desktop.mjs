import { spawn } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { ProcessTree } from './processTree.mjs';
import { ScriptError } from './step.mjs';

/** Where the program lies, seen from the folder of the `code` command (Linux, macOS, Windows). */
const programs = ['../code', '../../../../MacOS/Electron', '../../../../MacOS/Code', '../Code.exe'];

/**
 * Finds a desktop VS Code that can be shown: VSCODE_EXECUTABLE, or the program behind `code` on PATH.
 * @returns {string | undefined} the program itself: the command starts it detached, where it could not be stopped
 */
export function findDesktopEditor() {
  const chosen = process.env['VSCODE_EXECUTABLE'];
  if (chosen) {
    if (existsSync(chosen)) return chosen;
    throw new ScriptError(`VSCODE_EXECUTABLE is ${chosen}, which does not exist.`);
  }
  if (!hasDisplay()) return undefined;
  const command = findOnPath(process.platform === 'win32' ? 'code.cmd' : 'code');
  if (!command) return undefined;
  const folder = dirname(realpathSync(command));
  return programs.map((program) => join(folder, program)).find((path) => existsSync(path));
}

/** @returns {boolean} whether a window or a browser can be shown */
export function hasDisplay() {
  return process.platform !== 'linux' || Boolean(process.env['DISPLAY'] || process.env['WAYLAND_DISPLAY']);
}

/**
 * Opens a desktop window that is independent of all others, because its user data are.
 * @param {{ program: string, userDataDir: string, extensionsDir: string, devchatHome: string, development: string, folder: string }} options
 * @returns {ProcessTree}
 */
export function openDesktopWindow({ program, userDataDir, extensionsDir, devchatHome, development, folder }) {
  const isRoot = process.platform === 'linux' && process.getuid?.() === 0;
  const args = [
    ...['--new-window', '--skip-welcome', '--disable-workspace-trust', '--disable-telemetry', '--disable-updates'],
    ...['--user-data-dir', userDataDir, '--extensions-dir', extensionsDir],
    `--extensionDevelopmentPath=${development}`,
    ...(isRoot ? ['--no-sandbox'] : []),
    folder,
  ];
  const inherited = Object.entries(process.env).filter(([name]) => !/^(VSCODE_|ELECTRON_|npm_)/.test(name));
  const env = { ...Object.fromEntries(inherited), DEVCHAT_HOME: devchatHome };
  return new ProcessTree(program, args, { env, stdio: 'ignore' });
}

/**
 * Opens an address in the user's browser, where there is a display; says nothing when that fails.
 * @param {string} url
 */
export function openInBrowser(url) {
  const command = process.platform === 'darwin' ? '/usr/bin/open' : findOnPath('xdg-open');
  if (!command || !hasDisplay()) return;
  const child = spawn(command, [url], { detached: true, stdio: 'ignore' });
  child.once('error', () => undefined);
  child.unref();
}

/**
 * @param {string} name
 * @returns {string | undefined}
 */
function findOnPath(name) {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}
