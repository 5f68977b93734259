import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { root } from '../../scripts/lib/step.mjs';

const { values } = parseArgs({
  options: {
    long: { type: 'boolean', default: false },
    seed: { type: 'string' },
    grep: { type: 'string', default: '' },
    program: { type: 'string', default: join(root, 'dist', 'cli.cjs') },
  },
});

/** What this run was asked to do. */
export const plan = {
  long: values.long,
  /** Every random choice of the run follows from it. */
  seed: Number(values.seed ?? randomInt(2 ** 32)),
  /** Part of the titles of the cases to run. */
  grep: values.grep,
  /** The built command that is put under stress. */
  program: values.program,
};

/** The figure of a pull request's run, or of the long one. */
export const size = (pullRequest: number, long: number): number => (plan.long ? long : pullRequest);

/** Prints one line of figures below the title of a case. */
export function report(text: string): void {
  process.stdout.write(`      ${text}\n`);
}
