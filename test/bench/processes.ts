import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What a process has used since it began. */
export interface Sample {
  /** Processor time, in ms. */
  cpu: number;
  /** How often it went to sleep, and was woken later. */
  switches: number;
  /** Resident memory, in bytes. */
  rss: number;
  /** 99th percentile of the time by which the event loop was late, in ms; null when it was not watched. */
  loopDelay: number | null;
}

/** How often the time that is stolen is looked at, in ms. */
const STEAL_INTERVAL = 20;

const probe = join(import.meta.dirname, 'probe.cjs');

/** Milliseconds since 1970, in fractions; the same in every process and page. */
export const epochTime = () => performance.timeOrigin + performance.now();

/** Starts Node.js with pipes, an IPC channel and the probe. */
export function spawnProbed(programArguments: readonly string[], env: NodeJS.ProcessEnv): ChildProcess {
  return spawn(process.execPath, ['--require', probe, ...programArguments], {
    env,
    stdio: ['pipe', 'pipe', 'pipe', 'ipc'],
  });
}

/**
 * The next message of a child process.
 * @throws when the process ends without one
 */
export async function nextMessage(child: ChildProcess): Promise<unknown> {
  const [message] = await Promise.race([once(child, 'message'), death(child)]);
  return message;
}

async function death(child: ChildProcess): Promise<never> {
  const [code, signal] = await once(child, 'exit');
  throw new Error(`${child.spawnargs.join(' ')} ended (${signal ?? code})`);
}

/** Asks a process that runs with the probe what it has used; whatever else it says meanwhile is passed over. */
export function sample(child: ChildProcess): Promise<Sample> {
  const { promise, resolve } = Promise.withResolvers<Sample>();
  const listen = (message: object) => {
    if (!('cpu' in message)) return;
    child.off('message', listen);
    resolve(message as Sample);
  };
  child.on('message', listen);
  child.send('sample');
  return Promise.race([promise, death(child)]);
}

/**
 * Processor time that the host of this machine gave to others while it was wanted here, of all processors since the start,
 * in ms; counted in steps of 10, and 0 where nothing tells.
 * Source: `steal` in https://man7.org/linux/man-pages/man5/proc_stat.5.html
 */
export function stolenTime(): number {
  if (process.platform !== 'linux') return 0;
  const [, ...ticks] = readFileSync('/proc/stat', 'utf8').split('\n', 1).join().split(/ +/);
  return 10 * Number(ticks[7]);
}

/** Looks again and again at the time that is stolen. */
export class StolenTimeWatch {
  readonly #looks: { at: number; stolen: number }[] = [];
  readonly #timer = setInterval(
    () => this.#looks.push({ at: epochTime(), stolen: stolenTime() }),
    STEAL_INTERVAL,
  ).unref();

  /** What was stolen between two times, in ms, at least; times in ms since 1970 as {@link epochTime} has them. */
  between(from: number, to: number): number {
    const first = this.#looks.find(({ at }) => at >= from);
    const last = this.#looks.findLast(({ at }) => at <= to);
    return Math.max(0, (last?.stolen ?? 0) - (first?.stolen ?? 0));
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

/** Ends a process that runs as long as its input is open. */
export async function end(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit');
  child.stdin?.end();
  child.disconnect();
  await ended;
}
