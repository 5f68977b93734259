import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Log, LogLevel } from '../../protocol/log.ts';

/**
 * Starts an instance process with the runtime that runs this code: the editor's own, told to be a plain Node.js.
 * @param program path of the instance's bundle
 */
export function spawnInstance(program: string): ChildProcessWithoutNullStreams {
  return spawn(process.execPath, [program], {
    env: { ...process.env, ELECTRON_RUN_AS_NODE: '1' },
    stdio: ['pipe', 'pipe', 'pipe'],
    windowsHide: true,
  });
}

/**
 * Passes what an instance writes to its standard error on to the log.
 * @returns a function that tells the newest line of level error, if any came
 */
export function forwardLog(child: ChildProcessWithoutNullStreams, log: Log): () => string | undefined {
  let lastError: string | undefined;
  createInterface({ input: child.stderr }).on('line', (line) => {
    const [, level, text] = /^\[(debug|info|warn|error)\] (.*)$/.exec(line) ?? [];
    // Lines of another form come from the runtime, mostly a crash.
    if (level === undefined || text === undefined) log('error', line);
    else log(level as LogLevel, text);
    if (level === 'error') lastError = text;
  });
  return () => lastError;
}
