import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import fc from 'fast-check';
import { Database } from '../../../src/store/database.ts';
import { verify } from '../../../src/store/verify.ts';
import { origin } from '../../support/database.ts';
import { useTempDirectory } from '../../support/tempDirectory.ts';
import { type Corpus, claudeCorpus } from './corpus.ts';
import { contentsOf, workspace } from './support.ts';

describe('a process that is killed while it ingests', () => {
  const directory = useTempDirectory();
  const program = join(import.meta.dirname, 'ingestProgram.ts');

  /** Runs the program on a database; it is killed after so many transactions. @returns whether it came to its end */
  async function run(
    path: string,
    home: string,
    folder: string,
    killAfter = Number.POSITIVE_INFINITY,
  ): Promise<boolean> {
    const child = spawn(process.execPath, [program, path, home, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
    let commits = 0;
    for await (const line of createInterface(child.stdout)) {
      if (line === 'settled') return true;
      if (++commits === killAfter) child.kill('SIGKILL');
    }
    return false;
  }

  it('has lost nothing and repeated nothing when the next one has gone on', async function () {
    this.timeout(120_000);
    const home = join(directory.path, 'home');
    const folder = join(home, 'engine');
    const projects = join(home, '.claude/projects', folder.replace(/[^A-Za-z0-9]/g, '-'));
    mkdirSync(projects, { recursive: true });
    mkdirSync(folder);
    const corpora = fc.sample(claudeCorpus({ minRecords: 700, maxRecords: 700 }), { numRuns: 3, seed: 7 }) as Corpus[];
    for (const [index, { bytes }] of corpora.entries()) {
      const text = bytes.toString().replaceAll(workspace, folder).replaceAll('"generated"', `"generated ${index}"`);
      writeFileSync(
        join(projects, `${index}.jsonl`),
        text.replaceAll('00000000-0000-4000', `00000000-000${index}-4000`),
      );
    }
    const [whole, torn] = ['whole', 'torn'].map((name) => join(directory.path, name, 'chat.db')) as [string, string];
    assert.equal(await run(whole, home, folder), true);
    let kills = 0;
    while (!(await run(torn, home, folder, 1 + (kills % 3)))) kills++;
    assert.ok(kills >= 3, `${kills} kills`);
    const [expected, actual] = await Promise.all([whole, torn].map((path) => Database.open(path, () => [])));
    try {
      assert.deepEqual(contentsOf(actual as Database), contentsOf(expected as Database));
      assert.deepEqual((await verify(actual as Database, origin, false)).problems, []);
    } finally {
      await expected?.close();
      await actual?.close();
    }
  });
});
