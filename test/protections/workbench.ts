import { chmodSync, cpSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, ScriptError } from '../../scripts/lib/step.mjs';
import { createTempDir } from '../../scripts/lib/tempDir.mjs';
import { runNode } from './programs.ts';
import type { Protection } from './protection.ts';

/** What the tests need of the repository, beside its dependencies. */
const SOURCES = ['src', 'test', 'scripts', 'media', 'biome.json', 'package.json', 'package.nls.json', 'tsconfig.json'];

/** Copies the sources to a temporary directory and builds them there; everything is gone when this process ends. */
export async function makeWorkbench(): Promise<string> {
  const { path } = createTempDir();
  // Some tests run programs as another user.
  chmodSync(path, 0o755);
  for (const name of SOURCES) cpSync(join(root, name), join(path, name), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(path, 'node_modules'), 'junction');
  await build(path);
  return path;
}

/**
 * Does something while a protection is taken out.
 * @throws {ScriptError} when the file does not hold the text exactly once, or cannot be built without it
 */
export async function withoutProtection<T>(
  workbench: string,
  { file, remove, instead, isBuilt }: Protection,
  action: () => Promise<T>,
): Promise<T> {
  const [path, dist, kept] = [join(workbench, file), join(workbench, 'dist'), join(workbench, 'dist.kept')];
  const source = readFileSync(path, 'utf8');
  const parts = source.split(remove);
  if (parts.length !== 2) throw new ScriptError(`${file} holds this ${parts.length - 1} times: ${remove}`);
  if (isBuilt) renameSync(dist, kept);
  writeFileSync(path, parts.join(instead));
  try {
    if (isBuilt) await build(workbench);
    return await action();
  } finally {
    writeFileSync(path, source);
    if (isBuilt) {
      rmSync(dist, { recursive: true, force: true });
      renameSync(kept, dist);
    }
  }
}

async function build(workbench: string): Promise<void> {
  const { code, output } = await runNode(workbench, ['scripts/build.mjs']);
  if (code !== 0) throw new ScriptError(`The build fails:\n${output}`);
}
