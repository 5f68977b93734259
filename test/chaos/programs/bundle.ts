import { join } from 'node:path';
import { build } from 'esbuild';
import { sqliteBuild } from '../../../scripts/lib/target.mjs';

/**
 * Bundles one of the programs here, because one that is started a thousand times must not look for its parts each time.
 * @returns the path of the bundle, in `directory`
 */
export async function bundleProgram(name: string, directory: string): Promise<string> {
  const outfile = join(directory, `${name}.cjs`);
  await build({
    entryPoints: [join(import.meta.dirname, `${name}.ts`)],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node22',
    alias: { 'better-sqlite3': `better-sqlite3/${sqliteBuild()}` },
    loader: { '.node': 'copy' },
    assetNames: '[name]',
    logLevel: 'warning',
  });
  return outfile;
}
