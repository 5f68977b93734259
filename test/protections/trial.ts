import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, ScriptError } from '../../scripts/lib/step.mjs';
import { runNode } from './programs.ts';
import type { Protection } from './protection.ts';
import { withoutProtection } from './workbench.ts';

/** How long a test may take with everything in place, in ms; this machine may be busy. */
const PATIENCE = 60_000;

/** How long it may take without the protection: so many ms, and so many times what it took before. */
const LEAST = 5000;
const TIMES = 5;

/** How a test ended; `broken` is one that did not get as far as to show anything. */
interface Verdict {
  result: 'passed' | 'failed' | 'skipped' | 'broken';
  reason: string;
  /** Duration in ms. */
  took: number;
}

/** What became of a protection that was taken out. */
export interface Outcome {
  result: 'caught' | 'NOT CAUGHT' | 'skipped';
  reason: string;
}

/** The verdicts on the tests with everything in place; several protections have the same test. */
const controls = new Map<string, Promise<Verdict>>();

/** Runs the test of a protection with it, when it must pass, and without it, when it must fail. */
export async function tryWithout(workbench: string, protection: Protection): Promise<Outcome> {
  const key = `${protection.test} ${protection.title}`;
  const control = controls.get(key) ?? runTest(workbench, protection, PATIENCE);
  controls.set(key, control);
  const { result, reason, took } = await control;
  if (result === 'skipped') return { result, reason: 'the test does not run on this machine' };
  if (result !== 'passed') return { result: 'NOT CAUGHT', reason: `with everything in place: ${reason}` };
  try {
    const without = await withoutProtection(workbench, protection, () =>
      runTest(workbench, protection, LEAST + TIMES * took),
    );
    return { result: without.result === 'failed' ? 'caught' : 'NOT CAUGHT', reason: without.reason };
  } catch (error) {
    if (error instanceof ScriptError) return { result: 'NOT CAUGHT', reason: error.message };
    throw error;
  }
}

const mocharc: { require: string[] } = JSON.parse(readFileSync(join(root, 'test/unit/.mocharc.json'), 'utf8'));
const required = mocharc.require.flatMap((file) => ['--require', file]);
const mocha = ['node_modules/mocha/bin/mocha.js', '--no-config', ...required, '--bail', '--exit'];

/** @param timeout of each test, in ms; cases of chaos have their own */
async function runTest(workbench: string, { test, title }: Protection, timeout: number): Promise<Verdict> {
  const start = performance.now();
  const isChaos = test.startsWith('test/chaos/');
  const command = isChaos
    ? ['test/chaos/run.ts', '--seed', '1', '--grep', title]
    : [...mocha, '--timeout', `${Math.round(timeout)}`, '--fgrep', title, test];
  const { code, output } = await runNode(workbench, command);
  return { ...judge(code, output), took: performance.now() - start };
}

/** Failures that show nothing: of what is no program, and of what comes before or after a test. */
const NO_TEST = /SyntaxError|ReferenceError|ERR_MODULE_NOT_FOUND|ERR_UNKNOWN_FILE_EXTENSION|" hook /;

/** Reads what mocha has printed. */
function judge(code: number | null, output: string): Omit<Verdict, 'took'> {
  const [, failures] = /^ +\d+ failing$(.*)/ms.exec(output) ?? [];
  if (failures !== undefined) {
    const [first = '', reason = 'no reason was given'] = /^.*?(\w*Error\b[^\n]{0,80})/s.exec(failures) ?? [];
    return { result: NO_TEST.test(first) ? 'broken' : 'failed', reason };
  }
  if (code === null) return { result: 'failed', reason: 'the test did not end' };
  if (code !== 0) return { result: 'broken', reason: `the test did not run:\n${output}` };
  if (/^ +[1-9]\d* passing/m.test(output)) return { result: 'passed', reason: 'the test passes' };
  const isSkipped = /^ +[1-9]\d* pending/m.test(output);
  return { result: isSkipped ? 'skipped' : 'broken', reason: 'there is no such test' };
}
