import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Absolute path of the repository. */
export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** Git-ignored folder for everything the scripts download or generate. */
export const cacheDir = join(root, '.cache');

const logFile = join(cacheDir, 'setup.log');
const tailLines = 25;

/** A failure whose message is meant for the person at the terminal, without a stack. */
export class ScriptError extends Error {}

/**
 * Prints one line.
 * @param {string} line
 */
export function say(line = '') {
  process.stdout.write(`${line}\n`);
}

/**
 * Runs `action` and prints its title with the time it took.
 * @template T
 * @param {string} title
 * @param {() => Promise<T>} action
 * @returns {Promise<T>}
 */
export async function step(title, action) {
  const started = performance.now();
  process.stdout.write(`  ${title} … `);
  try {
    const result = await action();
    say(`${((performance.now() - started) / 1000).toFixed(1)} s`);
    return result;
  } catch (error) {
    say('failed');
    throw error;
  }
}

/** Empties the log that `runLogged` appends to. */
export function startLog() {
  mkdirSync(cacheDir, { recursive: true });
  writeFileSync(logFile, '');
}

/**
 * Runs a program with its output in the log; rejects with the log's tail when it fails.
 * @param {string} command
 * @param {string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, shell?: boolean, hint?: string }} [options]
 * @returns {Promise<void>}
 */
export function runLogged(command, args, { cwd = root, env = process.env, shell = false, hint = '' } = {}) {
  const log = openSync(logFile, 'a');
  writeSync(log, `\n$ ${[command, ...args].join(' ')}\n`);
  const child = spawn(command, args, { cwd, env, shell, stdio: ['ignore', log, log] });
  const forward = () => child.kill();
  process.once('SIGTERM', forward);
  /** @type {Promise<void>} */
  const ended = new Promise((resolve, reject) => {
    const fail = (/** @type {string} */ what) => {
      const tail = readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-tailLines).join('\n');
      const message = [`${[command, ...args].join(' ')} ${what}.`, `End of ${logFile}:`, tail, hint];
      reject(new ScriptError(message.filter(Boolean).join('\n')));
    };
    child.once('error', (error) => fail(`could not be started (${error.message})`));
    child.once('exit', (code, signal) => (code === 0 ? resolve() : fail(`ended with ${signal ?? `code ${code}`}`)));
  });
  return ended.finally(() => {
    process.off('SIGTERM', forward);
    closeSync(log);
  });
}

/**
 * Runs a script's main function; a ScriptError prints its message only, both kinds exit with 1.
 * @param {() => Promise<void>} main
 */
export async function runMain(main) {
  try {
    await main();
  } catch (error) {
    process.stderr.write(`\n${error instanceof ScriptError ? error.message : inspectError(error)}\n`);
    process.exitCode = 1;
  }
}

/**
 * @param {unknown} error
 * @returns {string}
 */
function inspectError(error) {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
