import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { npm } from './npm.mjs';
import { root, ScriptError, step } from './step.mjs';

const lockFile = join(root, 'package-lock.json');
const installedLock = join(root, 'node_modules', '.package-lock.json');
const stampFile = join(root, 'node_modules', '.devchat-setup');

/** Installs node_modules when missing or made from another lock file, and checks that a Node new enough is there. */
export async function ensureDependencies() {
  if (!isInstalled()) {
    if (process.platform === 'win32' && process.execPath.startsWith(join(root, 'node_modules') + sep)) {
      throw new ScriptError('The dependencies have changed: run `npm ci --ignore-scripts` first, then this again.');
    }
    await step('Installing dependencies (npm ci)', () => npm(['ci', '--ignore-scripts'], root));
    writeFileSync(stampFile, expectedStamp());
  }
  checkNode();
}

/** @returns {boolean} */
function isInstalled() {
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === expectedStamp()) return true;
  // Installed by hand: npm writes this file last, so a newer one is a complete installation of the lock file.
  if (existsSync(stampFile) || !existsSync(installedLock)) return false;
  if (statSync(installedLock).mtimeMs < statSync(lockFile).mtimeMs) return false;
  writeFileSync(stampFile, expectedStamp());
  return true;
}

/** @returns {string} */
function expectedStamp() {
  const hash = createHash('sha256').update(readFileSync(lockFile)).digest('hex');
  return `${hash} ${process.platform}-${process.arch}\n`;
}

/**
 * The Node that all scripts of the project run with: the one that npm installed, else the one that runs this.
 * @returns {string}
 */
export function projectNode() {
  const system = process.platform === 'win32' ? 'win' : process.platform;
  const program = process.platform === 'win32' ? 'node.exe' : 'node';
  const packages = [`node-${system}-${process.arch}`, `node-bin-${system}-${process.arch}`];
  const paths = packages.map((name) => join(root, 'node_modules', name, 'bin', program));
  return paths.find((path) => existsSync(path)) ?? process.execPath;
}

function checkNode() {
  if (projectNode() !== process.execPath) return;
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > 22 || (major === 22 && minor >= 18)) return;
  throw new ScriptError(
    `Node 22.18 or newer is needed, this is ${process.versions.node}, and npm has no Node package for ` +
      `${process.platform}-${process.arch}. Install Node 24 (https://nodejs.org) and run this again.`,
  );
}
