import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { runLogged, ScriptError, step } from './step.mjs';

const names = ['chromium', 'google-chrome', 'google-chrome-stable', 'chromium-browser', 'microsoft-edge'];
const macApps = ['Google Chrome', 'Chromium', 'Microsoft Edge'];
const windowsPaths = ['Google\\Chrome\\Application\\chrome.exe', 'Microsoft\\Edge\\Application\\msedge.exe'];
const debianPackages = ['chromium', 'fonts-noto-color-emoji'];

/**
 * Finds a Chromium-based browser: CHROME_PATH, then the usual names and places.
 * @returns {string | undefined} its executable
 */
export function findBrowser() {
  const chosen = process.env['CHROME_PATH'];
  if (chosen) {
    if (existsSync(chosen)) return chosen;
    throw new ScriptError(`CHROME_PATH is ${chosen}, which does not exist.`);
  }
  return candidates().find((path) => existsSync(path));
}

/**
 * Finds a browser, or installs one where that needs no question asked (root on a Debian-like system).
 * @param {{ required: boolean }} options when not required, a missing browser is only reported
 * @returns {Promise<string | undefined>}
 */
export async function ensureBrowser({ required }) {
  const found = findBrowser();
  if (found) return found;
  if (canInstall()) {
    await step('Installing Chromium (apt-get)', installWithApt);
    const installed = findBrowser();
    if (installed) return installed;
  }
  if (required) throw new ScriptError(`The tests need a Chromium-based browser. ${howToInstall()}`);
  return undefined;
}

/** @returns {string} */
export function howToInstall() {
  if (process.platform !== 'linux') return 'Install Google Chrome, or set CHROME_PATH to a Chromium-based browser.';
  return (
    'Install one (Debian: `sudo apt-get install chromium`; Fedora: `sudo dnf install chromium`), ' +
    'or set CHROME_PATH to the executable of Chromium, Chrome or Edge.'
  );
}

/** @returns {string[]} */
function candidates() {
  if (process.platform === 'darwin') return macApps.map((app) => `/Applications/${app}.app/Contents/MacOS/${app}`);
  if (process.platform === 'win32') {
    const bases = ['PROGRAMFILES', 'PROGRAMFILES(X86)', 'LOCALAPPDATA'].map((name) => process.env[name] ?? '');
    return bases.filter(Boolean).flatMap((base) => windowsPaths.map((path) => join(base, path)));
  }
  return (process.env['PATH'] ?? '').split(delimiter).flatMap((folder) => names.map((name) => join(folder, name)));
}

/** @returns {boolean} */
function canInstall() {
  return process.platform === 'linux' && process.getuid?.() === 0 && existsSync('/usr/bin/apt-get');
}

async function installWithApt() {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const hint = `Chromium could not be installed. ${howToInstall()}`;
  await runLogged('apt-get', ['update', '-qq'], { env, hint });
  await runLogged('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...debianPackages], { env, hint });
}
