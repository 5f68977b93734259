import { hasReason, serialiseError } from '../protocol/errors.ts';
import { assertNodeVersion } from '../store/runtime.ts';

async function main(): Promise<void> {
  try {
    assertNodeVersion();
    // Only now: the program brings the SQLite addon, which an old Node.js does not survive.
    const { run } = await import('./program.ts');
    await run(process.argv);
  } catch (error) {
    process.stderr.write(`devchat: ${serialiseError(error).message}\n`);
    process.exitCode = hasReason(error, 'bad-request') ? 2 : 1;
  }
}

void main();
