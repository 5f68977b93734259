import { readFileSync } from 'node:fs';
import { glob } from 'node:fs/promises';
import { join } from 'node:path';
import { root, ScriptError } from './step.mjs';
import { sqliteBuild } from './target.mjs';

/** Folder of everything built. */
export const distDir = join(root, 'dist');

/** Where `import.meta.url` comes from in a CommonJS bundle; strict here because the banner comes before esbuild's directive. */
const nodeBanner = `'use strict'; const importMetaUrl = require('node:url').pathToFileURL(__filename).href;`;

/**
 * Keeps the hub in a file of its own, which the command loads when it is asked for.
 * @type {import('esbuild').Plugin}
 */
const separateHub = {
  name: 'separate-hub',
  setup(pluginBuild) {
    pluginBuild.onResolve({ filter: /\/hub\/main\.ts$/ }, () => ({ path: './hub.cjs', external: true }));
  },
};

/**
 * The bundles of the product and, in development, of the tests that run inside the editor.
 * @param {{ production: boolean }} mode
 * @returns {Promise<import('esbuild').BuildOptions[]>}
 */
export async function bundles({ production }) {
  const version = packageVersion();
  /** @type {import('esbuild').BuildOptions} */
  const common = {
    absWorkingDir: root,
    bundle: true,
    write: false,
    metafile: true,
    logLevel: 'warning',
    legalComments: 'none',
    minify: production,
    sourcemap: production ? false : 'linked',
  };
  /** @type {import('esbuild').BuildOptions} */
  const node = {
    ...common,
    platform: 'node',
    format: 'cjs',
    target: 'node22',
    outExtension: { '.js': '.cjs' },
    external: ['vscode'],
    alias: { 'better-sqlite3': `better-sqlite3/${sqliteBuild()}` },
    loader: { '.node': 'copy' },
    assetNames: '[name]',
    banner: { js: nodeBanner },
    define: {
      'process.env.DEVCHAT_VERSION': JSON.stringify(version),
      'import.meta.dirname': '__dirname',
      'import.meta.filename': '__filename',
      'import.meta.url': 'importMetaUrl',
    },
  };
  /** @type {import('esbuild').BuildOptions} */
  const webview = {
    ...common,
    entryPoints: { main: 'src/views/webview/main.tsx' },
    outdir: 'dist/webview',
    platform: 'browser',
    format: 'esm',
    // What is imported when it is needed stays in files of its own.
    splitting: true,
    chunkNames: '[name]',
    target: ['es2023', 'chrome128', 'firefox128', 'safari17.6'],
    jsx: 'automatic',
    jsxImportSource: 'preact',
    loader: { '.ttf': 'file', '.svg': 'dataurl' },
    assetNames: '[name]',
    define: { 'process.env.NODE_ENV': JSON.stringify(production ? 'production' : 'development') },
  };
  const product = [
    { ...node, entryPoints: { extension: 'src/extension.ts' }, outdir: 'dist' },
    { ...node, entryPoints: { instance: 'src/instance/main.ts' }, outdir: 'dist' },
    { ...node, entryPoints: { ingestWorker: 'src/ingest/worker.ts' }, outdir: 'dist' },
    { ...node, entryPoints: { storeThread: 'src/store/storeThread.ts' }, outdir: 'dist' },
    {
      ...node,
      entryPoints: { cli: 'src/cli/main.ts' },
      outdir: 'dist',
      banner: { js: `#!/usr/bin/env node\n${nodeBanner}` },
      plugins: [separateHub],
    },
    { ...node, entryPoints: { hub: 'src/hub/main.ts' }, outdir: 'dist' },
    webview,
  ];
  return production ? product : [...product, await integrationTests(node)];
}

/**
 * One file per suite: mocha's runner inside the editor loads them one after the other.
 * @param {import('esbuild').BuildOptions} node
 * @returns {Promise<import('esbuild').BuildOptions>}
 */
async function integrationTests(node) {
  const entryPoints = ['test/integration/index.ts'];
  for await (const suite of glob('test/integration/suite/**/*.test.ts', { cwd: root })) entryPoints.push(suite);
  return {
    ...node,
    entryPoints: entryPoints.sort(),
    outbase: 'test/integration',
    outdir: 'dist/test/integration',
    external: ['vscode', 'mocha'],
  };
}

/** @returns {string} */
function packageVersion() {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  if (typeof version === 'string') return version;
  throw new ScriptError('package.json has no version.');
}
