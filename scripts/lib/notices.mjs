import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { distDir } from './bundles.mjs';
import { root, ScriptError } from './step.mjs';

/** Licences of everything that is bundled; part of the package. */
export const noticesFile = join(distDir, 'THIRD-PARTY-NOTICES.txt');

const rule = '-'.repeat(80);

/** @typedef {{ name: string, version: string, license?: string, author?: string, homepage?: string }} Manifest */

/**
 * The licence texts of the npm packages whose files went into the bundles.
 * @param {import('esbuild').BuildResult[]} results
 * @returns {string}
 */
export function thirdPartyNotices(results) {
  const folders = new Set(
    results.flatMap((result) => Object.keys(result.metafile?.inputs ?? {}).flatMap(packageFolder)),
  );
  const entries = [...folders].sort().map((folder) => {
    /** @type {Manifest} */
    const manifest = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
    const { name, version, license } = manifest;
    const text = licenceText(folder) ?? statement(manifest);
    return `${rule}\n${name} ${version} (${license ?? 'see below'})\n${rule}\n\n${text}\n`;
  });
  return `DevChat Sync contains these packages.\n\n${entries.join('\n')}`;
}

/**
 * @param {string} input a path of esbuild's metafile, relative to the repository
 * @returns {string[]} the package's folder, or nothing for our own files
 */
function packageFolder(input) {
  const match = /^(?:.*:)?((?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input);
  return match?.[1] ? [match[1]] : [];
}

/**
 * @param {string} folder
 * @returns {string | undefined} nothing when the package brings no licence file
 */
function licenceText(folder) {
  const names = readdirSync(join(root, folder)).filter((name) => /^(licen[cs]e|copying|notice)/i.test(name));
  const texts = names
    .filter((name) => existsSync(join(root, folder, name)))
    .map((name) => readFileSync(join(root, folder, name), 'utf8').trim());
  return texts.length === 0 ? undefined : `${texts.join('\n\n')}\n`;
}

/**
 * What a package without a licence file says in its manifest.
 * @param {Manifest} manifest
 * @returns {string}
 */
function statement({ name, license, author, homepage }) {
  if (!license || !author) throw new ScriptError(`${name} says nowhere how it is licensed.`);
  return `Licensed under ${license} by ${author}; see ${homepage ?? 'its package'}.\n`;
}
