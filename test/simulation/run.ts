// Simulates many windows, machines with a hub, and feeds random bytes to the decoder of frames:
// npm run test:simulation -- [--hub] [--seeds N] [--seed S] [--long] [--mutants] [--mutant NAME]
import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { hubMutants } from './hub/mutants.ts';
import { introduce, mutants } from './mutants.ts';
import type { Outcome } from './simulation.ts';

/** Random inputs of a pull request's run, and of a long run. */
const INPUTS = 2_000_000;
const LONG_INPUTS = 1_000_000_000;

/** Seeds after which a mutant that nothing has caught counts as one that lives. */
const MUTANT_SEEDS = 2000;

/** Of so many seeds one runs twice, to see that it does the same again. */
const REPEAT = 100;

/** Failing seeds after which a run ends. */
const ENOUGH = 10;

const artifacts = join(import.meta.dirname, '../../artifacts/simulation');
const { values } = parseArgs({
  options: {
    hub: { type: 'boolean', default: false },
    seeds: { type: 'string' },
    seed: { type: 'string' },
    long: { type: 'boolean', default: false },
    mutants: { type: 'boolean', default: false },
    mutant: { type: 'string' },
  },
});

const say = (text: string) => void process.stdout.write(`${text}\n`);

if (values.mutant) introduce(values.mutant);
const { simulate, runWindows } = await import('./simulation.ts');
const { runHub } = await import('./hub/simulation.ts');
const { fuzzFrames } = await import('./frames.ts');

/** What is simulated, and the seeds of a pull request's run and of a long run. */
const windows = { name: 'windows', run: runWindows, seeds: 5000, longSeeds: 1_000_000, option: '' };
const hub = { name: 'hub', run: runHub, seeds: 600, longSeeds: 100_000, option: '--hub ' };
const isAboutHub = values.hub || hubMutants.some(({ name }) => name === values.mutant);
const part = isAboutHub ? hub : windows;

/** Runs a seed again and keeps the record of it. */
async function replay({ name, run }: typeof part, seed: number): Promise<Outcome> {
  const lines: string[] = [];
  const outcome = await simulate(run, seed, lines);
  const path = join(artifacts, `${name}-seed-${seed}.log`);
  mkdirSync(artifacts, { recursive: true });
  writeFileSync(path, `${lines.join('\n')}\n`);
  say(`seed ${seed}: ${outcome.problem ?? 'nothing failed'} (hash ${outcome.hash})\n  record: ${path}`);
  return outcome;
}

/** What is wrong with a seed. */
async function problemOf({ run }: typeof part, seed: number): Promise<string | undefined> {
  const { problem, hash } = await simulate(run, seed);
  if (problem !== undefined || seed % REPEAT > 0) return problem;
  return (await simulate(run, seed)).hash === hash ? undefined : 'it did something else the second time';
}

/** Runs seeds from 1 on. */
async function runSeeds(simulated: typeof part, count: number): Promise<boolean> {
  const start = performance.now();
  const failed: number[] = [];
  for (let seed = 1; seed <= count && failed.length < ENOUGH; seed++) {
    const problem = await problemOf(simulated, seed);
    if (seed % 10_000 === 0) say(`${seed} seeds`);
    if (problem === undefined) continue;
    failed.push(seed);
    await replay(simulated, seed);
    say(`  ${problem}; the same again: npm run test:simulation -- ${simulated.option}--seed ${seed}`);
  }
  const seconds = (performance.now() - start) / 1000;
  say(`${simulated.name}: ${failed.length} of ${count} seeds failed, ${seconds.toFixed(1)} s`);
  return failed.length === 0;
}

/** Feeds the decoder of frames. */
function runInputs(count: number): void {
  const start = performance.now();
  // Most inputs are refused, and nobody reads where.
  Error.stackTraceLimit = 0;
  fuzzFrames(1, count);
  say(`${count} inputs for the decoder of frames, ${((performance.now() - start) / 1000).toFixed(1)} s`);
}

/** Runs seeds until one catches the mutant that was introduced. */
async function hunt(name: string): Promise<boolean> {
  for (let seed = 1; seed <= MUTANT_SEEDS; seed++) {
    const { problem } = await simulate(part.run, seed);
    if (problem === undefined) continue;
    say(`${name}: caught by seed ${seed}: ${problem}`);
    return true;
  }
  say(`${name}: LIVES through ${MUTANT_SEEDS} seeds`);
  return false;
}

/** Runs a process for each mutant, since a module is loaded once. */
async function huntAll(): Promise<boolean> {
  let allCaught = true;
  for (const { name } of values.hub ? hubMutants : [...mutants, ...hubMutants]) {
    const { stdout } = await promisify(execFile)(process.execPath, [import.meta.filename, '--mutant', name]).catch(
      (failure: { stdout: string; stderr: string }) => {
        allCaught = false;
        return { stdout: `${failure.stdout}${failure.stderr}` };
      },
    );
    process.stdout.write(stdout);
  }
  return allCaught;
}

async function main(): Promise<boolean> {
  if (values.mutants) return huntAll();
  if (values.mutant) return hunt(values.mutant);
  if (values.seed) return (await replay(part, Number(values.seed))).problem === undefined;
  if (values.seeds) return runSeeds(part, Number(values.seeds));
  const simulated = values.hub ? [hub] : [windows, hub];
  let isSound = true;
  for (const one of simulated) isSound = (await runSeeds(one, values.long ? one.longSeeds : one.seeds)) && isSound;
  if (!values.hub) runInputs(values.long ? LONG_INPUTS : INPUTS);
  return isSound;
}

process.exitCode = (await main()) ? 0 : 1;
