// Loaded before all tests: the files that a test has opened in its directory are closed when it ends.
import { readdirSync, readlinkSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** How long closing may go on after a test, in ms. */
const PATIENCE = 5000;

const DESCRIPTORS = '/proc/self/fd';

/** The files in directories of tests that this process has open; looked at on Linux only. */
function openFiles(): string[] {
  if (process.platform !== 'linux') return [];
  return readdirSync(DESCRIPTORS)
    .map(target)
    .filter((path) => path.includes('/devchat-test-'));
}

function target(descriptor: string): string {
  try {
    return readlinkSync(`${DESCRIPTORS}/${descriptor}`);
  } catch {
    // By this one the directory itself was read.
    return '';
  }
}

export const mochaHooks: Mocha.RootHookObject = {
  async afterEach() {
    const deadline = performance.now() + PATIENCE;
    while (openFiles().length > 0 && performance.now() < deadline) await delay(10);
    const left = openFiles();
    if (left.length > 0) throw new Error(`left open: ${left.join(', ')}`);
  },
};
