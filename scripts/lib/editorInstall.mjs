import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { npm } from './npm.mjs';
import { cacheDir, root, ScriptError, step } from './step.mjs';

/** The npm package that carries VS Code's server and web workbench. */
const packageName = 'code-server';
const packageVersion = '4.139.1';

const base = join(cacheDir, 'editor-host');
const installed = join(base, packageVersion);
const editorPath = ['node_modules', packageName, 'lib', 'vscode'];

/** Folder of the installed VS Code server. */
export const editorDir = join(installed, ...editorPath);

/** @returns {boolean} */
export function isEditorInstalled() {
  return existsSync(join(editorDir, 'out', 'server-main.js'));
}

/** Installs the editor host in the cache: into a folder of its own that is renamed at the end, so never half. */
export async function ensureEditor() {
  if (!isEditorInstalled()) await install();
  // Its native part is not built: that would need a compiler.
  copyFileSync(join(root, 'scripts/lib/editorLog.cjs'), join(editorDir, 'node_modules/@vscode/spdlog/index.js'));
}

async function install() {
  if (process.platform === 'win32') {
    throw new ScriptError('On Windows a desktop VS Code is needed: put `code` on PATH or set VSCODE_EXECUTABLE.');
  }
  removeLeftovers();
  const partial = join(base, `.partial-${process.pid}`);
  mkdirSync(partial, { recursive: true });
  try {
    writeFileSync(join(partial, 'package.json'), '{ "private": true }\n');
    await step(`Downloading the editor (${packageName} ${packageVersion})`, () =>
      npm(['install', '--ignore-scripts', '--no-audit', '--no-fund', `${packageName}@${packageVersion}`], partial),
    );
    await step('Installing its modules', () =>
      npm(['install', '--ignore-scripts', '--no-audit', '--no-fund', '--omit=dev'], join(partial, ...editorPath)),
    );
    if (!isEditorInstalled()) renameSync(partial, installed);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
}

/** @returns {string} the version of VS Code that the editor host is */
export function editorVersion() {
  /** @type {{ version: string }} */
  const { version } = JSON.parse(readFileSync(join(editorDir, 'package.json'), 'utf8'));
  return version;
}

/** Deletes what interrupted installations left behind; one that still runs keeps its folder. */
function removeLeftovers() {
  if (!existsSync(base)) return;
  for (const name of readdirSync(base)) {
    const pid = Number(/^\.partial-(\d+)$/.exec(name)?.[1]);
    if (pid && !isRunning(pid)) rmSync(join(base, name), { recursive: true, force: true });
  }
}

/**
 * @param {number} pid
 * @returns {boolean}
 */
function isRunning(pid) {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
