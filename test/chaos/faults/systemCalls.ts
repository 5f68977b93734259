import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { errorText } from '../../../src/protocol/errors.ts';
import { undoLater } from '../fleet/cleanup.ts';

/**
 * Makes system calls of a running process fail, in all its threads.
 * @param calls which ones, and how, as strace's `inject` takes it
 * @returns once they fail, with a function that ends it
 * @throws when strace is missing or may not trace the process
 */
export async function failCalls(pid: number | undefined, calls: string): Promise<() => Promise<void>> {
  const [names] = calls.split(':');
  const options = ['-f', '-o', '/dev/null', '-e', `trace=${names}`, '-e', `inject=${calls}`, '-p', `${pid}`];
  const strace = spawn('strace', options, { stdio: ['ignore', 'ignore', 'pipe'] });
  // The traced process goes on when its tracer ends, whatever that dies of.
  const forget = undoLater(() => strace.kill('SIGKILL'));
  const exited = once(strace, 'exit');
  const [said] = await Promise.race([once(strace.stderr, 'data'), exited]);
  if (!String(said).includes('attached')) throw new Error(`strace: ${said}`);
  return async () => {
    strace.kill('SIGINT');
    await exited;
    forget();
  };
}

/** Why no system call can be made to fail here, in words; undefined when it can. */
export async function injectionProblem(): Promise<string | undefined> {
  if (process.platform !== 'linux') return 'system calls are made to fail on Linux only';
  const sleeper = spawn('sleep', ['60']);
  try {
    const end = await failCalls(sleeper.pid, 'close:error=EIO');
    await end();
    return undefined;
  } catch (error) {
    return `failing system calls need strace, and the right to trace: ${errorText(error)}`;
  } finally {
    sleeper.kill();
  }
}
