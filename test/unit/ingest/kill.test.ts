import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { useTempDirectory } from '../../support/tempDirectory.ts';
import { writeCorpora } from './corpus.ts';
import { assertSameContents, workspace } from './support.ts';

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
    writeCorpora(projects, 700, (text) => text.replaceAll(workspace, folder));
    const [whole, torn] = ['whole', 'torn'].map((name) => join(directory.path, name, 'chat.db')) as [string, string];
    assert.equal(await run(whole, home, folder), true);
    let kills = 0;
    while (!(await run(torn, home, folder, 1 + (kills % 3)))) kills++;
    assert.ok(kills >= 3, `${kills} kills`);
    await assertSameContents(torn, whole);
  });
});
