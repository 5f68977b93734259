import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../../scripts/lib/step.mjs';

type Texts = Record<string, string>;

const read = (path: string) => readFileSync(join(root, path), 'utf8');
const texts = (path: string): Texts => JSON.parse(read(path));
const sources = globSync('src/**/*.{ts,tsx}', { cwd: root }).map((path) => ({ path, code: read(path) }));

/** The literal that each call translates; only a literal can be found by translators. */
const CALL = /\bl10n\.t\(\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")/g;

/** What is filled into a text, or does something in it, in any order. */
const partsOf = (text: string) => (text.match(/\{\d\}|command:[\w.]+|`[^`]+`/g) ?? []).toSorted();

describe('the German texts', () => {
  const used = new Set(
    sources.flatMap(({ code }) => [...code.matchAll(CALL)].map(([, single, double]) => single ?? double ?? '')),
  );
  const bundle = texts('l10n/bundle.l10n.de.json');
  const english = texts('package.nls.json');
  const german = texts('package.nls.de.json');

  it('are there for every text of the code, and for none that has gone', () => {
    assert.ok(used.size > 100);
    assert.deepEqual(Object.keys(bundle).toSorted(), [...used].toSorted());
  });

  it('can be found: every call translates a literal', () => {
    for (const { path, code } of sources) {
      assert.equal([...code.matchAll(CALL)].length, [...code.matchAll(/\bl10n\.t\(/g)].length, path);
    }
  });

  it('are there for every text of the manifest, and for none that has gone', () => {
    const keys = [...read('package.json').matchAll(/"%([\w.]+)%"/g)].map(([, key]) => key);
    assert.deepEqual([...new Set(keys)].toSorted(), Object.keys(english).toSorted());
    assert.deepEqual(Object.keys(german), Object.keys(english));
  });

  it('have the same places to fill in, commands and code as the English ones', () => {
    const pairs = [
      ...Object.entries(bundle),
      ...Object.keys(english).map((key) => [english[key] ?? '', german[key] ?? ''] as const),
    ];
    for (const [from, to] of pairs) {
      assert.notEqual(to, '', from);
      assert.deepEqual(partsOf(to), partsOf(from), from);
    }
  });
});
