// Puts the built command under stress: npm run test:chaos -- [--long] [--seed N] [--grep TITLE] [--program FILE]
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { glob } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import Mocha, { type Context } from 'mocha';
import { guardExit, undoAll } from './fleet/cleanup.ts';
import { endRecords } from './history/recorder.ts';
import { plan, report } from './plan.ts';

/** Longest case of a pull request's run, in ms. */
const TIMEOUT = 600_000;

/** What takes minutes runs beside all other cases, each in a process of its own. */
const BESIDE = ['a soak', 'the store'];

function endCase(this: Context): void {
  undoAll();
  const { currentTest } = this;
  const paths = endRecords(currentTest?.fullTitle() ?? '', currentTest?.state === 'failed');
  for (const path of paths) report(`history: ${path}`);
}

/** Runs some cases in a process of their own; resolves with what it has printed, and whether they passed. */
async function runBeside(grep: string): Promise<{ output: string; passed: boolean }> {
  const { long, seed, program } = plan;
  const choices = ['--seed', `${seed}`, '--program', program, '--grep', grep, ...(long ? ['--long'] : [])];
  const child = spawn(process.execPath, [import.meta.filename, ...choices], { stdio: ['ignore', 'pipe', 'inherit'] });
  process.once('exit', () => child.kill());
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  return { output, passed: code === 0 };
}

guardExit();
const beside = plan.grep === '' ? BESIDE.map(runBeside) : [];
const mocha = new Mocha({
  timeout: plan.long ? 0 : TIMEOUT,
  forbidOnly: true,
  grep: plan.grep === '' ? new RegExp(`^(?!${BESIDE.join('|')})`) : plan.grep,
  rootHooks: { afterEach: endCase },
});
for await (const file of glob('**/*.test.ts', { cwd: import.meta.dirname }))
  mocha.addFile(join(import.meta.dirname, file));
mocha.files.sort();
await mocha.loadFilesAsync();
process.stdout.write(`\nSeed ${plan.seed}; the same choices again: npm run test:chaos -- --seed ${plan.seed}\n`);
mocha.run(async (failures) => {
  const results = await Promise.all(beside);
  for (const { output } of results) process.stdout.write(output);
  process.exit(failures === 0 && results.every(({ passed }) => passed) ? 0 : 1);
});
