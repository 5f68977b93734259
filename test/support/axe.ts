import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Frame } from 'playwright-core';

/** What an automated check of a page found. */
export interface Finding {
  rule: string;
  impact: string;
  /** Where, as a selector and the reason. */
  places: string[];
}

interface AxeResults {
  violations: { id: string; impact: string; nodes: { target: string[]; failureSummary: string }[] }[];
}

const source = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Checks a page with axe-core as it is now; only what is serious or critical counts. */
export async function findBarriers(frame: Frame): Promise<Finding[]> {
  await frame.evaluate(`globalThis.axe ?? (() => { ${source} })()`);
  const { violations } = await frame.evaluate<AxeResults>(
    `axe.run(document, { resultTypes: ['violations'], iframes: false })`,
  );
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, impact, nodes }) => ({
      rule: id,
      impact,
      places: nodes.map(
        ({ target, failureSummary }) => `${target.join(' ')}: ${failureSummary.split('\n')[1]?.trim()}`,
      ),
    }));
}
