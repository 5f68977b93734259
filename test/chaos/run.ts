// Puts the built command under stress: npm run test:chaos -- [--long] [--seed N] [--grep TITLE] [--program FILE]
import { glob } from 'node:fs/promises';
import { join } from 'node:path';
import Mocha, { type Context } from 'mocha';
import { guardExit, undoAll } from './fleet/cleanup.ts';
import { endRecords } from './history/recorder.ts';
import { plan, report } from './plan.ts';

/** Longest case of a pull request's run, in ms. */
const TIMEOUT = 600_000;

function endCase(this: Context): void {
  undoAll();
  const { currentTest } = this;
  const paths = endRecords(currentTest?.fullTitle() ?? '', currentTest?.state === 'failed');
  for (const path of paths) report(`history: ${path}`);
}

guardExit();
const mocha = new Mocha({
  timeout: plan.long ? 0 : TIMEOUT,
  forbidOnly: true,
  grep: plan.grep,
  rootHooks: { afterEach: endCase },
});
for await (const file of glob('**/*.test.ts', { cwd: import.meta.dirname }))
  mocha.addFile(join(import.meta.dirname, file));
mocha.files.sort();
await mocha.loadFilesAsync();
process.stdout.write(`\nSeed ${plan.seed}; the same choices again: npm run test:chaos -- --seed ${plan.seed}\n`);
mocha.run((failures) => process.exit(failures > 0 ? 1 : 0));
