// Runs the integration suites inside an extension host of the editor host, and ends with mocha's outcome.
import { createReadStream, mkdirSync, rmSync, watch, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheDir, root, runMain, ScriptError } from '../../scripts/lib/step.mjs';
import { startTestEditor } from '../support/editorHost.ts';
import { Windows } from '../support/windows.ts';

const timeout = 300_000;
const tests = join(root, 'dist', 'test', 'integration', 'index.cjs');

await runMain(async () => {
  const output = join(cacheDir, `integration-${process.pid}.log`);
  mkdirSync(cacheDir, { recursive: true });
  writeFileSync(output, '');
  const printing = printGrowing(output);
  const env = { DEVCHAT_TEST_OUTPUT: output, DEVCHAT_TEST_COLOR: process.stdout.isTTY ? '1' : '' };
  const editor = await startTestEditor({ env });
  try {
    const windows = await Windows.launch();
    try {
      const url = editor.host.url(editor.workspace, { development: root, tests });
      const exitCode = await Promise.race([windows.runTests(url), timeOut()]);
      if (exitCode !== 0) throw new ScriptError('The integration tests failed.');
    } finally {
      await windows.close();
    }
  } finally {
    await editor.stop();
    await printing.stop();
    rmSync(output, { force: true });
  }
});

/** Copies what is appended to a file to the terminal. */
function printGrowing(file: string) {
  let offset = 0;
  let copying = Promise.resolve();
  const copy = () => {
    copying = copying.then(async () => {
      for await (const chunk of createReadStream(file, { start: offset })) {
        process.stdout.write(chunk);
        offset += chunk.length;
      }
    });
  };
  const watcher = watch(file, copy);
  const stop = () => {
    watcher.close();
    copy();
    return copying;
  };
  return { stop };
}

function timeOut(): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  const error = new ScriptError(`The integration tests did not end within ${timeout / 1000} s.`);
  setTimeout(() => reject(error), timeout).unref();
  return promise;
}
