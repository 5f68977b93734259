import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { useTempDirectory } from '../../support/tempDirectory.ts';

const dist = join(import.meta.dirname, '../../../dist');

describe('program under a Node.js that is too old', () => {
  const directory = useTempDirectory();

  for (const words of [['cli.cjs', 'status'], ['cli.cjs', 'serve', '--stdio'], ['instance.cjs']]) {
    it(`says so and ends with 1 before it loads an addon: ${words.join(' ')}`, () => {
      const oldNode = join(directory.path, 'oldNode.cjs');
      writeFileSync(
        oldNode,
        `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.20.2' } });
         process.dlopen = () => process.abort();`,
      );
      const [program = '', ...programArguments] = words;
      const options = ['--require', oldNode, join(dist, program), ...programArguments];
      const { status, stdout, stderr } = spawnSync(process.execPath, options, { encoding: 'utf8', input: '' });
      assert.deepEqual([status, stdout], [1, '']);
      assert.match(stderr, /^\S+ DevChat needs Node\.js 22 or newer, but this is 20\.20\.2\. .*\n$/);
    });
  }
});
