import { DevChatError } from '../protocol/errors.ts';
import type { Log } from '../protocol/log.ts';
import { assertNodeVersion } from '../store/runtime.ts';

/** Log lines for whoever reads this process's standard error; standard output belongs to the protocol. */
export const logToStderr: Log = (level, text) => {
  process.stderr.write(`[${level}] ${text}\n`);
};

/**
 * Serves one client on standard input and output, then ends the process.
 * The store, and with it the SQLite addon, is loaded only after the runtime was found fit for it.
 */
export async function serveStdio(): Promise<void> {
  try {
    assertNodeVersion();
    const { serve } = await import('./serve.ts');
    await serve(process.stdin, process.stdout, logToStderr);
    process.exitCode = 0;
  } catch (error) {
    logToStderr('error', error instanceof DevChatError ? error.message : String(error));
    process.exitCode = 1;
  }
  // Handles that a broken client leaves open must not keep the process; neither must a pipe that nobody reads.
  process.stdout.once('error', () => process.exit());
  process.stdout.write('', () => process.exit());
}
