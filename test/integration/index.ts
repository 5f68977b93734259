import { appendFileSync } from 'node:fs';
import { glob } from 'node:fs/promises';
import { join } from 'node:path';
import { format } from 'node:util';
import Mocha from 'mocha';

/** Called by the editor inside the extension host: runs every suite beside this file; rejects when a test fails. */
export async function run(): Promise<void> {
  const output = process.env['DEVCHAT_TEST_OUTPUT'];
  // The extension host's console is not the terminal of whoever started the tests.
  if (output) Mocha.reporters.Base.consoleLog = (...args: unknown[]) => appendFileSync(output, `${format(...args)}\n`);
  const mocha = new Mocha({ timeout: 20_000, forbidOnly: true, color: Boolean(process.env['DEVCHAT_TEST_COLOR']) });
  const grep = process.env['DEVCHAT_TEST_GREP'];
  if (grep) mocha.grep(grep);
  for await (const file of glob('suite/**/*.test.cjs', { cwd: import.meta.dirname })) {
    mocha.addFile(join(import.meta.dirname, file));
  }
  const failures = await new Promise<number>((resolve) => {
    mocha.run(resolve);
  });
  if (failures > 0) throw new Error(`${failures} failed`);
}
