// Loaded before all tests: how often properties are tried, `PROPERTY_FACTOR` times as often in a long run.
import fc from 'fast-check';

const factor = Number(process.env['PROPERTY_FACTOR'] ?? 1);

/** The number of runs of a property that differs from the others: fewer with real files, more for a wide space. */
export const runs = (count: number) => ({ numRuns: count * factor });

fc.configureGlobal(runs(1000));

export const mochaHooks: Mocha.RootHookObject = {
  beforeEach(this: Mocha.Context) {
    if (factor > 1) this.currentTest?.timeout(0);
  },
};
