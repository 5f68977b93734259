import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { editorDir } from './editorInstall.mjs';
import { ScriptError } from './step.mjs';

/**
 * Installs a packaged extension for an editor host that is not running yet.
 * @param {string} vsix
 * @param {{ userDataDir: string, extensionsDir: string }} folders those that `startEditorHost` will get
 * @returns {Promise<void>}
 */
export async function installExtension(vsix, { userDataDir, extensionsDir }) {
  mkdirSync(extensionsDir, { recursive: true });
  const args = [
    ...[join(editorDir, 'out', 'server-main.js'), '--accept-server-license-terms', '--disable-telemetry'],
    ...['--user-data-dir', userDataDir, '--server-data-dir', join(userDataDir, 'server')],
    ...['--extensions-dir', extensionsDir, '--install-extension', vsix, '--force'],
  ];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const collect = (/** @type {Buffer} */ chunk) => {
    output += chunk;
  };
  child.stdout.on('data', collect);
  child.stderr.on('data', collect);
  const code = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0 || !output.includes('successfully installed')) {
    throw new ScriptError(`${vsix} could not be installed.\n${output}`);
  }
}

/**
 * Makes the extension of a folder the only one installed, without copying it: a reloaded window has its newest build.
 * @param {string} folder
 * @param {string} extensionsDir
 */
export function linkExtension(folder, extensionsDir) {
  const { name, publisher, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const id = `${publisher}.${name}`;
  const relativeLocation = `${id}-${version}`;
  const path = join(extensionsDir, relativeLocation);
  const installed = [{ identifier: { id }, version, location: { $mid: 1, path, scheme: 'file' }, relativeLocation }];
  rmSync(extensionsDir, { recursive: true, force: true });
  mkdirSync(extensionsDir, { recursive: true });
  symlinkSync(folder, path, 'dir');
  writeFileSync(join(extensionsDir, 'extensions.json'), JSON.stringify(installed));
}
