// Packs dist/ for one platform into artifacts/ (DEVCHAT_TARGET, else this machine's; compile --production comes first).
import { mkdirSync, statSync } from 'node:fs';
import { dirname, relative } from 'node:path';
import { createVSIX } from '@vscode/vsce';
import { formatSize } from './lib/outputs.mjs';
import { packagePath } from './lib/packagePath.mjs';
import { root, runMain, ScriptError, say } from './lib/step.mjs';
import { target } from './lib/target.mjs';

const maximumBytes = 5e6;

await runMain(async () => {
  mkdirSync(dirname(packagePath), { recursive: true });
  say(`Packing ${relative(root, packagePath)}`);
  await createVSIX({
    cwd: root,
    target,
    packagePath,
    dependencies: false,
    rewriteRelativeLinks: false,
    allowMissingRepository: true,
  });
  const { size } = statSync(packagePath);
  say(`  ${formatSize(size)}`);
  if (size > maximumBytes) throw new ScriptError(`The package is larger than ${formatSize(maximumBytes)}.`);
});
