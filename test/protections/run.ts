// Takes out one protection after the other, and sees its test fail: npm run test:protections -- [--grep TEXT]
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { root, runMain, say } from '../../scripts/lib/step.mjs';
import type { Protection } from './protection.ts';
import { traps } from './traps.ts';
import { type Outcome, tryWithout } from './trial.ts';
import { makeWorkbench } from './workbench.ts';

/** How many are tried at the same time, each in a copy of the sources of its own. */
const LANES = 2;

const { values } = parseArgs({ options: { grep: { type: 'string', default: '' } } });

/** The traps in the table of docs/testing.md. */
function documentedTraps(): string[] {
  const [, table = ''] = readFileSync(join(root, 'docs/testing.md'), 'utf8').split('\n## Trap by trap\n');
  // Without the head of the table and the line below it.
  return [...table.matchAll(/^\| (.*?) \| /gm)].slice(2).map(([, trap = '']) => trap);
}

/**
 * Says where the list and the table of docs/testing.md differ.
 * @returns whether every trap of the list is in the table
 */
function compareWithTable(): boolean {
  const [documented, listed] = [documentedTraps(), traps.map(({ name }) => name)];
  const unknown = listed.filter((name) => !documented.includes(name));
  for (const name of unknown) say(`not in docs/testing.md: ${name}`);
  for (const name of documented.filter((name) => !listed.includes(name))) say(`nothing is taken out for: ${name}`);
  return unknown.length === 0;
}

async function report(workbench: string, protection: Protection): Promise<Outcome> {
  const start = performance.now();
  const outcome = await tryWithout(workbench, protection);
  const seconds = ((performance.now() - start) / 1000).toFixed(1).padStart(5);
  say(`${outcome.result.padEnd(10)} ${seconds} s  ${protection.without}: ${outcome.reason}`);
  return outcome;
}

async function main(): Promise<void> {
  const chosen = traps.flatMap(({ name, protections }) =>
    protections.filter(({ without }) => `${name} ${without}`.includes(values.grep)),
  );
  const queue = chosen.values();
  const outcomes: Outcome[] = [];
  const lane = async () => {
    const workbench = await makeWorkbench();
    for (const protection of queue) outcomes.push(await report(workbench, protection));
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  const isDocumented = compareWithTable();
  const living = outcomes.filter(({ result }) => result === 'NOT CAUGHT').length;
  say(`${outcomes.length - living} of ${outcomes.length} caught or skipped`);
  if (living > 0 || !isDocumented || outcomes.length === 0) process.exitCode = 1;
}

await runMain(main);
