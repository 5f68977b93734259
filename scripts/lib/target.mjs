import { ScriptError } from './step.mjs';

/** Packaging targets (names of `vsce package --target`) and the better-sqlite3 build that belongs to each. */
const sqliteBuilds = {
  'linux-x64': 'linux-x64',
  'linux-arm64': 'linux-arm64',
  'alpine-x64': 'linuxmusl-x64',
  'alpine-arm64': 'linuxmusl-arm64',
  'darwin-x64': 'darwin-x64',
  'darwin-arm64': 'darwin-arm64',
  'win32-x64': 'win32-x64',
  'win32-arm64': 'win32-arm64',
};

/** The packaging target: DEVCHAT_TARGET, else this machine's. */
export const target = process.env['DEVCHAT_TARGET'] ?? currentTarget();

/** @returns {string} the native build of better-sqlite3 for `target`, as in `better-sqlite3/<build>` */
export function sqliteBuild() {
  const build = Object.entries(sqliteBuilds).find(([name]) => name === target)?.[1];
  if (build) return build;
  throw new ScriptError(`No SQLite build for ${target}. Known targets: ${Object.keys(sqliteBuilds).join(', ')}.`);
}

/** @returns {string} */
function currentTarget() {
  const system = process.platform === 'linux' && !usesGlibc() ? 'alpine' : process.platform;
  return `${system}-${process.arch}`;
}

/** @returns {boolean} */
function usesGlibc() {
  const report = process.report.getReport();
  return 'header' in report && 'glibcVersionRuntime' in Object(report.header);
}
