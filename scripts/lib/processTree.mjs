import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';

const windows = process.platform === 'win32';
const graceMilliseconds = 5000;
const pollMilliseconds = 20;

/** @type {Set<ProcessTree>} */
const running = new Set();

/** A program in a process group of its own, so that it ends together with all it started, even when we are stopped. */
export class ProcessTree {
  /**
   * @param {string} command
   * @param {string[]} args
   * @param {import('node:child_process').SpawnOptions} options
   */
  constructor(command, args, options) {
    if (running.size === 0) guardExit();
    this.child = spawn(command, args, { ...options, detached: !windows });
    this.exited = once(this.child, 'exit').catch((error) => [error]);
    running.add(this);
  }

  /** Ends the whole group: asks first, insists after five seconds; resolves when nothing of it is left. */
  async stop() {
    const deadline = performance.now() + graceMilliseconds;
    this.signal('SIGTERM');
    // A group has no event for its end: the first process may be gone long before its children.
    while (this.isAlive()) {
      if (performance.now() > deadline) this.signal('SIGKILL');
      await delay(pollMilliseconds);
    }
    running.delete(this);
    if (running.size === 0) unguardExit();
  }

  /** @param {NodeJS.Signals} signal */
  signal(signal) {
    const { pid } = this.child;
    if (pid === undefined) return;
    if (windows) spawn('taskkill', ['/pid', String(pid), '/T', '/F'], { stdio: 'ignore' });
    else tryKill(-pid, signal);
  }

  /** @returns {boolean} */
  isAlive() {
    const { pid, exitCode, signalCode } = this.child;
    if (pid === undefined) return false;
    return windows ? exitCode === null && signalCode === null : tryKill(-pid, 0);
  }
}

/**
 * @param {number} pid
 * @param {NodeJS.Signals | 0} signal
 * @returns {boolean} whether such a process exists
 */
function tryKill(pid, signal) {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return false;
    throw error;
  }
}

function killAll() {
  for (const tree of running) tree.signal('SIGKILL');
}

/** @param {NodeJS.Signals} signal */
function onSignal(signal) {
  // Whoever handles the signal stops the trees himself; without a handler nobody would.
  if (process.listenerCount(signal) > 1) return;
  // Not the signal again: at a regular exit others clean up too, Playwright for one.
  process.exit(128 + constants.signals[signal]);
}

/** @type {NodeJS.Signals[]} */
const endSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'];

function guardExit() {
  process.prependListener('exit', killAll);
  for (const signal of endSignals) process.on(signal, onSignal);
}

function unguardExit() {
  process.off('exit', killAll);
  for (const signal of endSignals) process.off(signal, onSignal);
}
