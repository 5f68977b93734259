// Bundles the extension, the instance process, the command and the panel into dist/.
//   node scripts/build.mjs [--production] [--watch]
import { relative } from 'node:path';
import { parseArgs } from 'node:util';
import { build, context } from 'esbuild';
import { bundles, distDir } from './lib/bundles.mjs';
import { noticesFile, thirdPartyNotices } from './lib/notices.mjs';
import { formatSize, removeStale, writeOutput } from './lib/outputs.mjs';
import { root, runMain, ScriptError, say } from './lib/step.mjs';

const { values } = parseArgs({ options: { production: { type: 'boolean' }, watch: { type: 'boolean' } } });

await runMain(values.watch ? watch : buildOnce);

async function buildOnce() {
  const started = performance.now();
  const production = values.production ?? false;
  const results = await Promise.all((await bundles({ production })).map((options) => build(options))).catch(() => {
    // esbuild has printed what is wrong.
    throw new ScriptError('The build failed.');
  });
  const files = results.flatMap(writeResult);
  if (production) {
    writeOutput(noticesFile, Buffer.from(thirdPartyNotices(results)));
    files.push(noticesFile);
  }
  removeStale(distDir, new Set(files));
  say(`Built in ${((performance.now() - started) / 1000).toFixed(1)} s`);
}

async function watch() {
  /** @type {import('esbuild').Plugin} */
  const write = {
    name: 'write',
    setup(pluginBuild) {
      pluginBuild.onEnd((result) => {
        writeResult(result);
      });
    },
  };
  say('Building …');
  const all = await bundles({ production: false });
  const contexts = await Promise.all(
    all.map((options) => context({ ...options, plugins: [...(options.plugins ?? []), write] })),
  );
  await Promise.all(contexts.map((one) => one.watch()));
  say('Watching. Press Ctrl-C to stop.');
}

/**
 * @param {import('esbuild').BuildResult} result
 * @returns {string[]} absolute paths of what it consists of
 */
function writeResult(result) {
  const files = result.outputFiles ?? [];
  for (const { path, contents } of files) {
    writeOutput(path, contents, { executable: path.endsWith('cli.cjs') });
    if (!/\.(map|node)$/.test(path)) say(`  ${relative(root, path).padEnd(44)} ${formatSize(contents.length)}`);
  }
  return files.map(({ path }) => path);
}
